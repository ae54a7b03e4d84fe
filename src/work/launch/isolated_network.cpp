#include <spdlog/spdlog.h>

#include <jailed/core/command.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/work/launch/isolated_network.hpp>

namespace jailed::work {

namespace {

// By another launch that was faster; or the words that say it is not are the command's.
bool has_isolation(const plan::Engine& engine) {
  const auto said = host::capture(plan::look_for_isolation_command(engine));
  return said.status.ok() && plan::says_isolation_is_there(engine, said.out);
}

}  // namespace

bool make_isolated_network(const plan::Engine& engine, const engine::JailEnd& end, core::Settings& settings) {
  const auto& error = end.engine_error;
  if (error.empty() || !plan::can_be_isolated(settings) || !plan::lacks_isolated_network(engine, error)) return false;
  std::string reason = error;
  if (const auto command = plan::create_isolated_network_command(engine)) {
    spdlog::debug("{}", core::shell_line(*command));
    const auto made = host::capture(*command);
    if (made.status == core::ExitStatus::exited(0)) return true;
    if (end.may_have_run && has_isolation(engine)) return false;
    if (made.err.find("already exists") != std::string::npos) return true;
    reason = made.err;
  } else if (end.may_have_run && has_isolation(engine)) {
    return false;
  }
  settings.isolated = false;
  spdlog::warn("The jail is on the engine's own network, where other containers can reach it: {}",
               core::printable(reason.substr(0, reason.find('\n'))));
  return true;
}

}  // namespace jailed::work
