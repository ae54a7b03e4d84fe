#include <fmt/format.h>

#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/work/life/found.hpp>

namespace jailed::commands {

using namespace work;

int logs(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment) {
  const auto found = look(settings, environment);
  const auto& jail = choose(found.jails, invocation.word());
  if (!jail.detached)
    throw core::UsageError(fmt::format("{} keeps no log: what it says is on its terminal.", jail.name),
                           "jails with a log are started with: jailed --detach . -- COMMAND");
  return engine::show_log(found.engine, jail.name, settings.follow).shell_code();
}

}  // namespace jailed::commands
