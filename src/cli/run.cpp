#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <jailed/cli/nearest.hpp>
#include <jailed/cli/parse.hpp>
#include <jailed/cli/run.hpp>
#include <jailed/cli/talk.hpp>
#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/version.hpp>
#include <jailed/host/process/death_watch.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/sync/follow.hpp>
#include <sstream>

namespace jailed::cli {
namespace {

// The processes that jailed starts beside itself, by a word that is no subcommand for users.
struct OwnProcess {
  std::string_view word;
  int (*serve)(const std::vector<std::string>& arguments);
};

constexpr std::array<OwnProcess, 3> kOwnProcesses = {{{socket_proxy::kSubcommand, socket_proxy::serve},
                                                      {host::DeathWatch::kSubcommand, host::DeathWatch::serve},
                                                      {work::kFollowChanges, work::follow_changes}}};

void report(const core::Error& error) {
  spdlog::error("{}", error.what());
  std::istringstream lines(error.next_step());
  for (std::string line; std::getline(lines, line);) spdlog::error("  {}", line);
}

int dispatch(const Invocation& invocation, const core::Environment& environment) {
  switch (invocation.verb) {
    case Invocation::Verb::help:
      std::cout << invocation.help;
      return 0;
    case Invocation::Verb::version:
      std::cout << "jailed " << core::kVersion << "\n";
      return 0;
    case Invocation::Verb::build:
      return commands::build(invocation.options, invocation.build, environment);
    case Invocation::Verb::list:
      return commands::list(invocation.options, environment);
    case Invocation::Verb::stop:
      return commands::stop(invocation.options, environment);
    case Invocation::Verb::shell:
      return commands::shell(invocation.options, environment);
    case Invocation::Verb::exec:
      return commands::exec(invocation.options, environment);
    case Invocation::Verb::logs:
      return commands::logs(invocation.options, environment);
    case Invocation::Verb::attach:
      return commands::attach(invocation.options, environment);
    case Invocation::Verb::detach:
      return commands::detach(invocation.options, environment);
    case Invocation::Verb::sync_status:
      return commands::sync_status(invocation.options, environment);
    case Invocation::Verb::sync_flush:
      return commands::sync_flush(invocation.options, environment);
    case Invocation::Verb::sync_recover:
      return commands::sync_recover(invocation.options, environment);
    case Invocation::Verb::git:
      return commands::git(invocation.git, invocation.options, environment);
    case Invocation::Verb::launch:
      try {
        return commands::launch(invocation.options, environment);
      } catch (const core::UsageError& error) {
        if (!invocation.meant) throw;
        throw core::UsageError(error.what(), fmt::format("{}\nor, if the command was meant: jailed {}",
                                                         error.next_step(), *invocation.meant));
      }
  }
  return core::kFailed;
}

}  // namespace

int run(std::vector<std::string> arguments) {
  try {
    if (!arguments.empty()) {
      const auto own = std::find_if(kOwnProcesses.begin(), kOwnProcesses.end(),
                                    [&](const auto& process) { return arguments.front() == process.word; });
      if (own != kOwnProcesses.end()) return own->serve({arguments.begin() + 1, arguments.end()});
    }
    const auto environment = host::environment_snapshot();
    set_up_talk({}, environment);
    const auto invocation = parse(std::move(arguments));
    const auto& options = invocation.options;
    set_up_talk({options.quiet, options.verbose, options.log_file}, environment);
    host::check_room_for_files();
    return dispatch(invocation, environment);
  } catch (const core::Error& error) {
    report(error);
    return error.exit_code();
  } catch (const std::exception& error) {
    report(core::Error(fmt::format("Unexpected: {}", error.what())));
    return core::kFailed;
  }
}

}  // namespace jailed::cli
