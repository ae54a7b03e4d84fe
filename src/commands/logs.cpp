#include <fmt/format.h>

#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/work/life/found.hpp>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using core::Options;

}  // namespace

int logs(const Options& options, const Environment& environment) {
  const auto found = look(options, environment);
  const auto& jail = choose(found.jails, options.path.value_or(""));
  if (!jail.detached)
    throw core::UsageError(fmt::format("{} keeps no log: what it says is on its terminal.", jail.name),
                           "jails with a log are started with: jailed --detach . -- COMMAND");
  return engine::show_log(found.engine, jail.name, options.follow).shell_code();
}

}  // namespace jailed::commands
