#include <spdlog/spdlog.h>

#include <jailed/commands/isolated_network.hpp>
#include <jailed/core/command.hpp>
#include <jailed/host/process.hpp>
#include <jailed/plan/isolated_network.hpp>

namespace jailed::commands {

bool make_isolated_network(const plan::Engine& engine, const std::string& error, core::Settings& settings) {
  if (error.empty() || !plan::can_be_isolated(settings) || !plan::lacks_isolated_network(engine, error)) return false;
  std::string reason = error;
  if (engine.kind == plan::EngineKind::docker) {
    const auto command = plan::create_isolated_network_command(engine);
    spdlog::debug("{}", core::shell_line(command));
    const auto made = host::capture(command);
    // Another launch may have been faster.
    if (made.status == core::ExitStatus::exited(0) || made.err.find("already exists") != std::string::npos) return true;
    reason = made.err;
  }
  settings.isolated = false;
  spdlog::warn("The jail is on the engine's own network, where other containers can reach it: {}",
               core::printable(reason.substr(0, reason.find('\n'))));
  return true;
}

}  // namespace jailed::commands
