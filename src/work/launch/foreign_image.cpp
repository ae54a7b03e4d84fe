#include <spdlog/spdlog.h>

#include <jailed/core/command.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/work/launch/foreign_image.hpp>

namespace jailed::work {

void warn_of_foreign_image(const plan::Engine& engine, const std::string& image) {
  if (plan::is_named_jailed(image)) return;
  const auto answer = host::capture(plan::image_maker_command(engine, image));
  // An engine that cannot say will not start it either, and then says why.
  if (answer.status != core::ExitStatus::exited(0) || !plan::is_foreign(answer.out)) return;
  spdlog::warn("Image '{}' was not built by jailed: what is in it, nobody here has looked at. The walls around it are the same.",
               core::printable(image));
}

}  // namespace jailed::work
