#include <jailed/core/command.hpp>
#include <jailed/work/launch/jail_network.hpp>

namespace jailed::work {

JailNetwork start_network(const LaunchFacts& facts, const PreparedJail& prepared) {
  std::vector<std::string> repositories;
  for (const auto& share : prepared.shares()) {
    if (share.facts.problem.empty() && !share.facts.common_dir.empty()) repositories.push_back(share.facts.common_dir);
  }
  return {facts.settings,
          {facts.command, facts.environment, facts.places.config, facts.places.project, std::move(repositories)},
          facts.engine,
          prepared.jail(),
          prepared.session()};
}

std::vector<std::string> network_lines(const LaunchFacts& facts, const JailDraft& imagined) {
  if (!plan::has_sidecar(facts.settings)) return {};
  return {core::shell_line(plan::run_command(facts.engine, plan::sidecar_of(imagined.jail, facts.settings, imagined.layout.session)))};
}

}  // namespace jailed::work
