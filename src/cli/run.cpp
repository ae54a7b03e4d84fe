#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <jailed/cli/parse.hpp>
#include <jailed/cli/run.hpp>
#include <jailed/cli/talk.hpp>
#include <jailed/cli/verbs.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/engine/sidecar.hpp>
#include <jailed/host/process/death_watch.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/sync/follow.hpp>

namespace jailed::cli {
namespace {

// The processes that jailed starts beside itself, by a word that is no subcommand for users.
struct OwnProcess {
  std::string_view word;
  int (*serve)(const std::vector<std::string>& arguments);
};

constexpr std::array<OwnProcess, 4> kOwnProcesses = {{{socket_proxy::kSubcommand, socket_proxy::serve},
                                                      {host::DeathWatch::kSubcommand, host::DeathWatch::serve},
                                                      {engine::Sidecar::kSubcommand, engine::Sidecar::serve},
                                                      {work::kFollowChanges, work::follow_changes}}};

void report(const core::Error& error) {
  spdlog::error("{}", error.what());
  for (const auto line : core::lines(error.next_step())) spdlog::error("  {}", line);
}

int dispatch(const core::Invocation& invocation, const core::Environment& environment) {
  const auto& row = row_of(invocation.verb);
  try {
    const auto settings = row.needs_settings ? plan::resolve_settings(invocation, environment) : core::Settings{};
    return row.run(invocation, settings, environment);
  } catch (const core::UsageError& error) {
    const bool launch = invocation.verb == core::Verb::launch && !invocation.words.empty();
    const auto meant = launch ? verb_meant(invocation.word()) : std::nullopt;
    if (!meant) throw;
    throw core::UsageError(error.what(), fmt::format("{}\nor, if the command was meant: jailed {}", error.next_step(), *meant));
  }
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
    const auto talk = plan::talk_settings(invocation);
    set_up_talk({talk.quiet, talk.verbose, talk.log_file}, environment);
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
