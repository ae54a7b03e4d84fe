#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <jailed/commands/bring_home.hpp>
#include <jailed/commands/prepared_jail.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/commands/synced_launch.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/sync_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/plan/jails.hpp>

namespace jailed::commands {
namespace {

using core::ExitStatus;
using engine::JailEnd;

// Until a jail has a repository of its own, the project's is there for reading.
std::optional<std::string> git_of(const plan::Jail& jail, const std::string& project) {
  const auto info = host::lstat_of(project + "/.git");
  if (!info || S_ISLNK(info->st_mode)) return std::nullopt;
  const auto workspace = std::find_if(jail.binds.begin(), jail.binds.end(),
                                      [](const auto& bind) { return bind.target == "/workspace"; });
  return workspace->source + "/.git";
}

plan::Jail keeper_for(const plan::Jail& jail, const MutagenProgram& program) {
  return plan::keeper(jail, {.agents = program.agents, .git = git_of(jail, jail.project)});
}

plan::SyncSession session_of(const plan::Jail& jail) {
  return {.id = jail.id,
          .project = jail.project,
          .container = plan::container_name(jail.project, jail.id),
          .ignores = {}};
}

// Nothing, or how the launch ended before the user's command began.
std::optional<JailEnd> start(const plan::Engine& engine, const engine::SyncEngine& sync,
                             const plan::Jail& jail, const Cargo& cargo, PendingSignals& signals,
                             bool quiet) {
  const auto made = host::capture_shielded(plan::create_volume_command(engine, jail));
  if (!made.status.ok()) return JailEnd{ExitStatus::exited(core::kFailed), made.err};
  if (auto said = engine::start_keeper(engine, jail); !said.empty()) {
    host::capture_shielded(plan::remove_volume_command(engine, cargo.container));
    return JailEnd{ExitStatus::exited(core::kFailed), std::move(said)};
  }
  try {
    sync.create(session_of(jail));
    LiveLine line(quiet);
    const auto end = sync.flush(cargo.id, [&](const plan::SyncState& state) {
      line.show(plan::sync_progress(state));
      return signals.count() == 0;
    });
    if (end.done) return std::nullopt;
    line.clear();
    if (!end.stopped)
      throw core::Error(fmt::format("Mutagen could not copy the project into the jail: {}.", end.said),
                        "do without it: jailed --sync bind");
  } catch (...) {
    discard(engine, sync, cargo);
    throw;
  }
  discard(engine, sync, cargo);
  spdlog::error("Interrupted; the jail was not entered.");
  return JailEnd{ExitStatus::signalled(signals.first()), {}};
}

}  // namespace

JailEnd run_synced(const core::Options& options, const core::Settings& settings,
                   const core::Environment& environment, const Places& places, const plan::Engine& engine,
                   const MutagenProgram& program) {
  PendingSignals signals;
  unpack_agent(program);
  PreparedJail prepared(options, settings, environment, places);
  auto jail = keeper_for(prepared.jail(), program);
  if (options.detach) jail = plan::detached(std::move(jail));
  const engine::SyncEngine sync(program.mutagen);
  const Cargo cargo{.id = jail.id,
                    .project = jail.project,
                    .container = plan::container_name(jail.project, jail.id),
                    .sessions = places.config + "/sessions"};
  for (const auto& command : {plan::run_command(engine, jail), plan::exec_command(engine, jail, "command")})
    spdlog::debug("{}", core::shell_line(command));
  if (auto end = start(engine, sync, jail, cargo, signals, options.quiet)) return *end;

  if (options.detach) {
    prepared.detach();
    std::cout << cargo.container << "\n";
    return {};
  }
  auto end = signals.count() == 0 ? engine::run_in_keeper(engine, jail)
                                  : JailEnd{ExitStatus::signalled(signals.first()), {}};
  if (keeper_runs(engine, cargo.container)) {
    bring_home(engine, sync, cargo, signals);
  } else {
    spdlog::warn(
        "The jail's container is gone (out of memory, or removed by somebody); bringing its work home.");
    recover(engine, sync, program, jail, cargo, signals);
  }
  if (!end.engine_error.empty()) {
    spdlog::error("{} could not run the command: {}", engine.program, core::printable(end.engine_error));
    end.engine_error.clear();
  }
  return end;
}

std::vector<core::Command> imagined_synced(const core::Options& options, const core::Settings& settings,
                                           const core::Environment& environment, const Places& places,
                                           const plan::Engine& engine, const MutagenProgram& program) {
  auto jail = keeper_for(imagined_jail(options, settings, environment, places), program);
  if (options.detach) jail = plan::detached(std::move(jail));
  const auto container = plan::container_name(jail.project, jail.id);
  return {plan::create_volume_command(engine, jail),
          plan::run_command(engine, jail),
          plan::sync_create_command(program.mutagen, session_of(jail)),
          plan::sync_flush_command(program.mutagen, jail.id),
          plan::exec_command(engine, jail, "command"),
          plan::end_others_command(engine, container),
          plan::sync_flush_command(program.mutagen, jail.id),
          plan::remove_command(engine, container),
          plan::remove_volume_command(engine, container),
          plan::sync_terminate_command(program.mutagen, jail.id)};
}

}  // namespace jailed::commands
