#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/engine/volumes.hpp>
#include <jailed/plan/list/claims.hpp>

#include "client.hpp"

namespace jailed::engine {
namespace {

std::vector<std::string> names_of_volumes(const plan::Engine& engine, const std::string& session_id) {
  const auto found = Client::ask_shielded(plan::find_volumes_command(engine, session_id));
  if (!found.status.ok())
    throw core::Error(fmt::format("{} does not say which volumes there are: {}", engine.program,
                                  core::printable(found.err)));
  return plan::names_in(found.out);
}

// Who takes a volume that the engine could not tell about for none gives up the work that is in it.
void check_none_is_missing(const plan::Engine& engine, const std::string& session_id, const std::vector<std::string>& names,
                           const std::vector<plan::Volume>& volumes, const std::string& said) {
  const auto still_there = names_of_volumes(engine, session_id);
  for (const auto& name : names) {
    const auto is_it = [&](const auto& volume) { return volume.name == name; };
    if (std::any_of(volumes.begin(), volumes.end(), is_it) || std::find(still_there.begin(), still_there.end(), name) == still_there.end()) continue;
    throw core::Error(fmt::format("{} does not say of which jail the volume {} is: {}", engine.program, name, core::printable(said)),
                      "it is asked again at the next launch");
  }
}

}  // namespace

std::string make_volume(const plan::Engine& engine, const plan::Jail& jail) {
  return said_against(Client::capture_shielded(plan::create_volume_command(engine, jail)));
}

VolumesRemoved remove_volumes(const plan::Engine& engine, const std::string& container) {
  const auto removed = Client::capture_shielded(plan::remove_volume_command(engine, container));
  return {removed.status.ok() || plan::says_volumes_are_gone(engine, removed.err), removed.overdue};
}

std::vector<plan::Volume> claimed_volumes(const plan::Engine& engine, const std::string& session_id) {
  const auto names = names_of_volumes(engine, session_id);
  if (names.empty()) return {};
  // One that goes in between makes the answer a failure, with the others in it all the same.
  const auto answer = Client::ask_shielded(plan::inspect_volumes_command(engine, names));
  auto volumes = plan::parse_volumes(answer.out);
  if (!answer.status.ok()) check_none_is_missing(engine, session_id, names, volumes, answer.err);
  return volumes;
}

}  // namespace jailed::engine
