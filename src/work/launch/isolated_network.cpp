#include <spdlog/spdlog.h>

#include <jailed/core/command.hpp>
#include <jailed/engine/network.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/work/launch/isolated_network.hpp>

namespace jailed::work {

std::optional<LaunchFacts> with_isolated_network(const LaunchFacts& facts, const engine::JailEnd& end) {
  const auto& engine = facts.engine;
  const auto& error = end.engine_error;
  if (error.empty() || !plan::can_be_isolated(facts.settings) || !plan::lacks_isolated_network(engine, error)) return std::nullopt;
  std::string reason = error;
  // By another launch that was faster; or the words that say it is not are the command's.
  const auto was_there = [&] { return end.may_have_run && engine::has_isolated_network(engine); };
  if (const auto call = plan::create_isolated_network_command(engine)) {
    spdlog::debug("{}", core::shell_line(*call));
    const auto made = engine::make_isolated_network(engine);
    if (made.made) return facts;
    if (was_there()) return std::nullopt;
    if (made.was_there) return facts;
    reason = made.said;
  } else if (was_there()) {
    return std::nullopt;
  }
  spdlog::warn("The jail is on the engine's own network, where other containers can reach it: {}",
               core::printable(reason.substr(0, reason.find('\n'))));
  auto changed = facts;
  changed.settings.isolated = false;
  return changed;
}

}  // namespace jailed::work
