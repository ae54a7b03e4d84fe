#include <algorithm>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/list/running_agents.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/session/notes.hpp>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;

// On Linux what runs in a container of this machine is in its /proc: no engine has to be asked.
void look_for_agents(Found& found) {
  if (found.jails.empty() || !found.engine.reach.processes) return;
  const auto processes = host::process_list();
  for (auto& jail : found.jails) {
    if (jail.state == "running" && !jail.foreign && !jail.container.empty()) jail.agents = plan::agents_in(jail.container, processes);
  }
}

}  // namespace

int list(const core::Invocation&, const core::Settings& settings, const Environment& environment) {
  auto found = look(settings, environment);
  if (may_have_volumes(found.sessions, found.jails)) add_unsynced(found);
  if (!settings.quiet) look_for_agents(found);
  if (settings.json) {
    std::cout << plan::jails_json(found.engine, found.jails);
  } else if (settings.quiet) {
    for (const auto& jail : plan::own_jails(found.jails)) std::cout << jail.name << "\n";
  } else {
    std::cout << plan::jails_table(found.engine, found.jails);
  }
  return 0;
}

}  // namespace jailed::commands
