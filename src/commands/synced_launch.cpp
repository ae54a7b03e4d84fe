#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <jailed/commands/bring_home.hpp>
#include <jailed/commands/follow_changes.hpp>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/commands/prepared_jail.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/commands/synced_launch.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/sync_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/tree.hpp>
#include <jailed/plan/jails.hpp>
#include <jailed/plan/sync_settings.hpp>

namespace jailed::commands {
namespace {

using core::ExitStatus;
using engine::JailEnd;

// With --git rw the project's own repository is mounted; what else the jail gets is among its mounts.
std::optional<std::string> git_of(const plan::Jail& jail, const plan::GitPlan& git,
                                  const std::string& project) {
  const auto info = host::lstat_of(project + "/.git");
  if (git.kind != plan::GitPlan::Kind::plain || !info || S_ISLNK(info->st_mode)) return std::nullopt;
  const auto workspace = std::find_if(jail.binds.begin(), jail.binds.end(),
                                      [](const auto& bind) { return bind.target == "/workspace"; });
  return workspace->source + "/.git";
}

plan::Jail keeper_for(const plan::Jail& jail, const plan::GitPlan& git, const MutagenProgram& program) {
  return plan::keeper(jail, {.agents = program.agents, .git = git_of(jail, git, jail.project)});
}

constexpr std::size_t kMostCounted = 500'000;

std::string settings_file(const Places& places) { return places.config + "/sync.json"; }

plan::SyncSettings sync_settings(const Places& places) {
  const auto text = host::read_file(settings_file(places));
  return text ? plan::parse_sync_settings(settings_file(places), *text) : plan::SyncSettings{};
}

void say_what_is_slow(const plan::SyncSettings& settings, const Places& places, std::uint64_t files) {
  plan::RebuiltFiles rebuilt;
  std::uint64_t seen = 0;
  host::walk_tree(places.project, kMostCounted, [&](const std::string& path, const struct stat& info) {
    const bool directory = S_ISDIR(info.st_mode);
    if (directory && (path == ".git" || path.ends_with("/.git"))) return false;
    rebuilt.see(path, directory);
    seen += directory ? 0 : 1;
    return true;
  });
  const auto note = plan::slow_tree_note(std::max(files, seen), rebuilt, settings, settings_file(places));
  if (!note) return;
  spdlog::info("{}", note->message);
  spdlog::info("  {}", note->next_step);
}

// What the repository hides comes last: no pattern of the user's takes it in again.
plan::SyncSession session_of(const plan::Jail& jail, const plan::GitPlan& git, const plan::SyncSettings& settings) {
  plan::SyncSession session{.id = jail.id,
                            .project = jail.project,
                            .container = plan::container_name(jail.project, jail.id),
                            .ignores = settings.ignores};
  for (const auto& directory : git.hidden) session.ignores.push_back("/" + directory);
  return session;
}

// Nothing, or how the launch ended before the user's command began.
std::optional<JailEnd> start(const plan::Engine& engine, const engine::SyncEngine& sync,
                             const plan::Jail& jail, const plan::GitPlan& git, const Cargo& cargo,
                             const plan::SyncSettings& settings, const Places& places, PendingSignals& signals,
                             bool quiet) {
  const auto made = host::capture_shielded(plan::create_volume_command(engine, jail));
  if (!made.status.ok()) return JailEnd{ExitStatus::exited(core::kFailed), made.err};
  if (auto said = engine::start_keeper(engine, jail); !said.empty()) {
    host::capture_shielded(plan::remove_volume_command(engine, cargo.container));
    return JailEnd{ExitStatus::exited(core::kFailed), std::move(said)};
  }
  try {
    sync.create(session_of(jail, git, settings));
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t files = 0;
    LiveLine line(quiet);
    const auto end = sync.flush(cargo.id, [&](const plan::SyncState& state) {
      line.show(plan::sync_progress(state));
      files = std::max(files, state.files_home);
      return signals.count() == 0;
    });
    if (end.done) {
      line.clear();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      if (!quiet && plan::is_slow_tree(files, took.count())) say_what_is_slow(settings, places, files);
      if (!git.modules.empty())
        host::capture_shielded(plan::gitfiles_command(engine, cargo.container, git.modules));
      return std::nullopt;
    }
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
  const auto ignored = sync_settings(places);
  prepare_mutagen(program);
  PreparedJail prepared(options, settings, environment, places);
  auto jail = keeper_for(prepared.jail(), prepared.git(), program);
  if (options.detach) jail = plan::detached(std::move(jail), options.command);
  note_jail(prepared.session(), jail);
  const engine::SyncEngine sync(program.mutagen);
  const Cargo cargo{.id = jail.id,
                    .project = jail.project,
                    .container = plan::container_name(jail.project, jail.id),
                    .sessions = places.config + "/sessions"};
  for (const auto& command : {plan::run_command(engine, jail), plan::exec_command(engine, jail, "command")})
    spdlog::debug("{}", core::shell_line(command));
  if (auto end = start(engine, sync, jail, prepared.git(), cargo, ignored, places, signals, options.quiet))
    return *end;

  start_following(engine, program, jail.project, cargo.container, jail.id);
  if (options.detach) {
    if (!options.command.empty()) host::capture_shielded(plan::start_command(engine, cargo.container));
    prepared.detach();
    std::cout << cargo.container << "\n";
    return {};
  }
  // Whatever happens from here on, the next jailed finds the session until the work is home.
  prepared.keep();
  auto end = signals.count() == 0 ? engine::run_in_keeper(engine, jail)
                                  : JailEnd{ExitStatus::signalled(signals.first()), {}};
  if (const auto hint = plan::killed_hint(end.status, engine, jail.limits)) spdlog::warn("{}", *hint);
  // Commits come after the files that belong to them.
  if (bring_home_or_recover(engine, sync, program, jail, cargo, signals)) {
    prepared.keep(false);
    prepared.bring_commits_home(engine, environment);
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
  const auto imagined = imagined_jail(options, settings, environment, places);
  auto jail = keeper_for(imagined.jail, imagined.git, program);
  if (options.detach) jail = plan::detached(std::move(jail), options.command);
  const auto container = plan::container_name(jail.project, jail.id);
  return {plan::create_volume_command(engine, jail),
          plan::run_command(engine, jail),
          plan::sync_create_command(program.mutagen, session_of(jail, imagined.git, sync_settings(places))),
          plan::sync_flush_command(program.mutagen, jail.id),
          plan::exec_command(engine, jail, "command"),
          plan::end_others_command(engine, container),
          plan::sync_flush_command(program.mutagen, jail.id),
          plan::remove_command(engine, container),
          plan::remove_volume_command(engine, container),
          plan::sync_terminate_command(program.mutagen, jail.id)};
}

}  // namespace jailed::commands
