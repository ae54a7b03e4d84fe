#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/engine/steps.hpp>
#include <jailed/engine/volumes.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <jailed/plan/sync/settings.hpp>
#include <jailed/work/launch/incomplete_copy.hpp>
#include <jailed/work/launch/jail_network.hpp>
#include <jailed/work/launch/killed.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/launch/synced.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/sync/follow.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <jailed/work/sync/sessions.hpp>

namespace jailed::work {
namespace {

using core::ExitStatus;
using engine::JailEnd;

using Shares = std::vector<ProjectShare>;

// With --git rw a project's own repository is mounted; what else the jail gets is among its mounts.
std::optional<std::string> git_of(const ProjectShare& share) {
  const auto info = host::lstat_of(share.path + "/.git");
  if (share.git.kind != plan::GitPlan::Kind::plain || !info || S_ISLNK(info->st_mode)) return std::nullopt;
  return share.workspace + "/.git";
}

plan::Jail keeper_for(const plan::Jail& jail, const Shares& shares, const MutagenProgram& program) {
  plan::KeeperMounts mounts{.agents = program.agents, .git = git_of(shares.front())};
  for (const auto& share : shares) {
    if (share.name.empty()) continue;
    if (auto git = git_of(share)) mounts.further_git.push_back({*git, plan::place_of(share.name).git + "/git", false});
  }
  return plan::keeper(jail, mounts);
}

// The .git files in the jail: of further projects, whose repositories are beside them, and of submodules.
std::vector<plan::ModulePlan> gitfiles_of(const Shares& shares) {
  std::vector<plan::ModulePlan> files;
  for (const auto& share : shares) {
    const auto place = plan::place_of(share.name);
    if (!share.name.empty() && (share.git.kind == plan::GitPlan::Kind::shadow || git_of(share)))
      files.push_back({.gitfile = fmt::format("gitdir: {}/git\n", place.git), .alternates = {}, .work_tree = place.workspace});
    files.insert(files.end(), share.git.modules.begin(), share.git.modules.end());
  }
  return files;
}

void say_what_has_no_git(const Shares& shares) {
  for (const auto& share : shares) {
    if (!share.name.empty() && share.git.kind == plan::GitPlan::Kind::masked)
      spdlog::info("{} has no repository in this jail, and one that is made there does not come home.",
                   plan::place_of(share.name).workspace);
  }
}

constexpr std::size_t kMostCounted = 500'000;

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
  const auto note = plan::slow_tree_note(std::max(files, seen), rebuilt, settings, sync_settings_file(places.config));
  if (!note) return;
  spdlog::info("{}", note->message);
  spdlog::info("  {}", note->next_step);
}

// What the repository hides comes last: no pattern of the user's takes it in again.
std::vector<plan::SyncSession> sessions_of(const plan::Jail& jail, const Shares& shares, const plan::SyncSettings& settings,
                                           const std::vector<plan::NamedProject>& beside) {
  std::vector<plan::SyncSession> sessions;
  const auto container = plan::container_name(jail.project, jail.id);
  for (const auto& share : shares) {
    sessions.push_back({.id = jail.id,
                        .project = share.path,
                        .container = container,
                        .ignores = settings.ignores,
                        .name = share.name,
                        .umask = sync_umask()});
    for (const auto& directory : share.git.hidden) sessions.back().ignores.push_back(plan::ignore_of(directory));
  }
  for (const auto& one : beside)
    sessions.push_back({.id = jail.id, .project = one.path, .container = container, .ignores = {}, .name = one.name});
  return sessions;
}

// Such a launch as it will be, the same for --dry-run.
struct SyncedPlan {
  plan::Jail jail;  // as the engine can have it
  std::string container;
  std::vector<plan::ModulePlan> gitfiles;
  plan::SyncSettings settings;
  std::vector<plan::SyncSession> sessions;

  std::vector<plan::NamedProject> beside() const { return jail.carried ? jail.carried->followed : std::vector<plan::NamedProject>{}; }
};

SyncedPlan plan_synced(const LaunchFacts& facts, const plan::SyncSettings& settings, const plan::Jail& jail, const Shares& shares) {
  auto keeper = keeper_for(jail, shares, *facts.mutagen);
  if (facts.settings.detach) keeper = plan::detached(std::move(keeper), facts.command);
  SyncedPlan planned{.jail = plan::jail_for(facts.engine, std::move(keeper)),
                     .container = plan::container_name(jail.project, jail.id),
                     .gitfiles = gitfiles_of(shares),
                     .settings = settings,
                     .sessions = {}};
  planned.sessions = sessions_of(planned.jail, shares, settings, planned.beside());
  return planned;
}

JailEnd interrupted(PendingSignals& signals) {
  spdlog::error("Interrupted; the jail was not entered.");
  return {ExitStatus::signalled(signals.first()), {}};
}

// Nothing, or how the launch ended before the user's command began.
std::optional<JailEnd> start(const LaunchFacts& facts, const SyncedPlan& planned, const SyncEngine& sync, const Shares& shares,
                             const Cargo& cargo, PendingSignals& signals) {
  const auto& engine = facts.engine;
  const auto& jail = planned.jail;
  const bool quiet = facts.settings.quiet;
  if (auto said = engine::make_volume(engine, jail); !said.empty()) return JailEnd{ExitStatus::exited(core::kFailed), std::move(said)};
  LiveLine line(quiet);
  if (jail.carried) line.show("copying what belongs to the jail to its machine");
  if (auto said = engine::start_keeper(engine, jail); !said.empty()) {
    line.clear();
    engine::remove_volumes(engine, cargo.container);
    if (signals.count() > 0) return interrupted(signals);
    return JailEnd{ExitStatus::exited(core::kFailed), std::move(said)};
  }
  try {
    for (const auto& session : planned.sessions) sync.create(session);
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t files = 0;
    SyncEngine::FlushEnd end;
    for (const auto& project : projects_of(cargo)) {
      end = sync.flush(project.key, [&](const plan::SyncState& state) {
        line.show(plan::sync_progress(state));
        files = std::max(files, state.files_home);
        return signals.count() == 0;
      });
      if (!end.done) break;
      if (!project.name.empty()) check_arrived(sync, project.key, plan::workspace_of(project.name));
    }
    if (end.done) {
      line.clear();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      if (!quiet && plan::is_slow_tree(files, took.count())) say_what_is_slow(planned.settings, facts.places, files);
      if (!planned.gitfiles.empty()) engine::write_gitfiles(engine, cargo.container, planned.gitfiles);
      check_copy(engine, sync, cargo, shares, !planned.settings.ignores.empty());
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
  return interrupted(signals);
}

}  // namespace

void check_arrived(const SyncEngine& sync, const std::string& key, const std::string& workspace) {
  const auto state = sync.state(key);
  if (!state || state->files_home == 0 || state->files_jail > 0) return;
  throw core::Error(fmt::format("Nothing can be written at {} in this jail.", workspace),
                    "the image is older than this jailed; build it anew: jailed build");
}

JailEnd run_synced(const LaunchFacts& facts) {
  const auto& engine = facts.engine;
  const auto& program = *facts.mutagen;
  PendingSignals signals;
  const auto ignored = sync_settings(facts.places.config);
  prepare_mutagen(program);
  PreparedJail prepared(facts);
  if (facts.settings.git == core::GitMode::shadow) say_what_has_no_git(prepared.shares());
  const auto planned = plan_synced(facts, ignored, prepared.jail(), prepared.shares());
  const auto& jail = planned.jail;
  const SyncEngine sync(program.mutagen);
  Cargo cargo{.id = jail.id,
              .project = jail.project,
              .container = planned.container,
              .sessions = facts.places.config + "/sessions",
              .further = jail.further,
              .beside = planned.beside()};
  auto record = plan::session_record(jail, engine, facts.settings);
  record.beside = cargo.beside;
  record.syncs = planned.sessions;
  prepared.announce(record);
  auto network = start_network(facts, prepared);
  for (const auto& call : {plan::run_command(engine, jail), plan::exec_command(engine, jail, "command")})
    spdlog::debug("{}", core::shell_line(call));
  std::optional<engine::DeathWatch> watch;
  if (!prepared.lease()) watch.emplace(prepared.session(), engine, cargo.container);
  if (auto end = start(facts, planned, sync, prepared.shares(), cargo, signals)) return *end;
  prepared.enter();

  std::vector<std::string> followed;
  for (const auto& share : prepared.shares()) followed.push_back(share.path);
  start_following(engine, program, followed, cargo.container, jail.id);
  if (facts.settings.detach) {
    if (!facts.command.empty()) engine::start_detached_command(engine, cargo.container);
    watch.reset();
    prepared.detach();
    std::cout << cargo.container << "\n";
    return {};
  }
  auto end = signals.count() == 0 ? engine::run_in_keeper(engine, jail)
                                  : JailEnd{ExitStatus::signalled(signals.first()), {}};
  say_if_killed(engine, jail, end);
  cargo.further = further_projects(prepared.session(), cargo.further);
  network.end();
  // Commits come after the files that belong to them.
  const bool home = bring_home_or_recover(engine, sync, program, jail, cargo, signals);
  if (home) watch.reset();
  end.status = status_after(end.status, prepared.end(engine, facts.environment, home));
  if (!end.engine_error.empty()) {
    spdlog::error("{} could not run the command: {}", engine.program, core::printable(end.engine_error));
    end.engine_error.clear();
  }
  return end;
}

std::vector<std::string> imagined_synced(const LaunchFacts& facts) {
  const auto& engine = facts.engine;
  const auto& mutagen = facts.mutagen->mutagen;
  const auto imagined = imagined_jail(facts);
  const auto planned = plan_synced(facts, sync_settings(facts.places.config), imagined.jail, imagined.shares);
  const auto& jail = planned.jail;
  const auto& container = planned.container;
  auto lines = network_lines(facts, imagined);
  const auto add = [&](const auto& command) { lines.push_back(core::shell_line(command)); };
  const auto flush_all = [&] {
    for (const auto& session : planned.sessions) add(plan::sync_flush_command(mutagen, plan::sync_key(session.id, session.name)));
  };
  add(plan::create_volume_command(engine, jail));
  add(plan::run_command(engine, jail));
  if (jail.carried) {
    for (auto& line : plan::furnish_lines(engine, container, *jail.carried)) lines.push_back(std::move(line));
  }
  for (const auto& session : planned.sessions) add(plan::sync_create_command(mutagen, session));
  flush_all();
  if (!planned.gitfiles.empty()) add(plan::gitfiles_command(engine, container, planned.gitfiles));
  add(plan::exec_command(engine, jail, "command"));
  add(plan::end_others_command(engine, container));
  flush_all();
  add(plan::remove_command(engine, container));
  add(plan::remove_volume_command(engine, container));
  add(plan::sync_terminate_all_command(mutagen, jail.id));
  return lines;
}

}  // namespace jailed::work
