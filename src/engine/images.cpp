#include <jailed/core/error.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/plan/jail/jail.hpp>

#include "client.hpp"

namespace jailed::engine {

bool has_image(const plan::Engine& engine, const std::string& image) {
  return Client::capture(plan::image_exists_command(engine, image)).status.ok();
}

bool is_foreign_image(const plan::Engine& engine, const std::string& image) {
  const auto answer = Client::capture(plan::image_maker_command(engine, image));
  return answer.status == core::ExitStatus::exited(0) && plan::is_foreign(answer.out);
}

void check_annotations(const plan::Engine& engine, const std::string& image) {
  const auto call = plan::image_annotations_command(engine, image);
  if (!call) return;
  if (const auto answer = Client::capture(*call); answer.status.ok()) plan::check_annotations(engine, image, answer.out);
}

std::optional<std::map<std::string, std::string>> agents_of_image(const plan::Engine& engine, const std::string& image) {
  const auto answer = Client::capture(plan::image_agents_command(engine, image));
  if (!answer.status.ok()) return std::nullopt;
  return plan::parse_image_agents(answer.out);
}

host::LoggedResult build_image(const plan::Engine& engine, const plan::BuildRequest& request, const plan::BuildCall& call,
                               const core::Environment& environment, const std::function<void(std::string_view)>& on_line,
                               const std::function<void()>& on_tick) {
  return host::run_with_lines(Client::command(plan::build_command(engine, request, call, environment)), on_line, on_tick);
}

void remove_build(const plan::Engine& engine, const std::string& id) {
  try {
    Client::capture(plan::remove_build_command(engine, id));
  } catch (const core::Error&) {
    // It is the engine's then, as any image without a name.
  }
}

}  // namespace jailed::engine
