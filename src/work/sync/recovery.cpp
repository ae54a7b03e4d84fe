#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/engine/volumes.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <jailed/work/sync/sessions.hpp>
#include <optional>
#include <set>
#include <thread>

namespace jailed::work {
namespace {

// A container that has just died may still be on its way out, with its name.
std::string start_again(const plan::Engine& engine, const plan::Jail& jail) {
  std::string said;
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto removed = engine::remove_jail(engine, plan::container_name(jail.project, jail.id));
    if (removed.overdue) return removed.said;  // then it is not asked for more
    said = engine::start_keeper(engine, jail);
    if (said.empty()) break;
  }
  return said;
}

}  // namespace

bool recover(const plan::Engine& engine, const SyncEngine& sync, const MutagenProgram& program,
             const plan::Jail& jail, const Cargo& cargo, PendingSignals& signals) {
  prepare_mutagen(program);
  host::make_private_directories(cargo.sessions);
  const host::TemporaryDirectory files(cargo.sessions + "/" + cargo.id, "recovery-");
  host::write_new_file(files.path() + "/passwd", plan::passwd_file(jail.user, jail.identity), 0644);
  host::write_new_file(files.path() + "/group", plan::group_file(jail.user, jail.identity, {}), 0644);
  const bool host_kernel = !jail.sandbox || plan::on_host_kernel(core::Named{*jail.sandbox, {}});
  if (jail.seccomp) host::write_new_file(files.path() + "/seccomp.json", plan::seccomp_profile_for(host_kernel), 0644);
  host::Lease lease(files.path() + "/lease");
  if (!engine.reach.lease || !host_kernel) lease.release();
  // Where there is no lease it is removed by its own end, or when jailed dies.
  std::optional<engine::DeathWatch> watch;
  if (!lease) watch.emplace(fmt::format("{}/{}", cargo.sessions, cargo.id), engine, cargo.container);
  const auto keeper = plan::jail_for(engine, plan::recovery_keeper(jail, files.path(), static_cast<bool>(lease), program.agents));
  if (const auto said = start_again(engine, keeper); !said.empty()) {
    spdlog::error("The work in the volume {} could not be brought home: {}", cargo.container,
                  core::printable(said));
    spdlog::error("  nothing is lost; when that is mended: jailed sync recover {}", cargo.id);
    note_held_up(fmt::format("{}/{}", cargo.sessions, cargo.id));
    return false;
  }
  for (const auto& project : projects_of(cargo)) {
    if (sync.state(project.key)) {
      sync.resume(project.key);
      continue;
    }
    if (project.name.empty())
      spdlog::warn("Mutagen has forgotten this jail; what was deleted on one side comes back from the other.");
    sync.create(sync_session(cargo, project));
  }
  const auto homecoming = bring_home(engine, sync, cargo, signals, Company::nobody);
  if (homecoming == Homecoming::container_gone) {
    spdlog::error("The container that should bring the work home ended; the work waits in the volume {}.",
                  cargo.container);
    spdlog::error("  nothing is lost; again: jailed sync recover {}", cargo.id);
    note_held_up(fmt::format("{}/{}", cargo.sessions, cargo.id));
  }
  return homecoming == Homecoming::done;
}

bool bring_home_or_recover(const plan::Engine& engine, const SyncEngine& sync,
                           const MutagenProgram& program, const plan::Jail& jail, const Cargo& cargo,
                           PendingSignals& signals) {
  const auto homecoming = engine::jail_runs(engine, cargo.container) ? bring_home(engine, sync, cargo, signals)
                                                                     : Homecoming::container_gone;
  if (homecoming != Homecoming::container_gone) return homecoming == Homecoming::done;
  spdlog::warn("The jail's container is gone (killed or removed, or its engine ended); bringing its work home.");
  return recover(engine, sync, program, jail, cargo, signals);
}

plan::Jail jail_of(const plan::Volume& volume, const std::string& sessions) {
  plan::Jail jail;
  jail.id = volume.session;
  jail.project = volume.project;
  jail.owner = volume.owner;
  jail.image = volume.image;
  jail.user = volume.user;
  jail.identity = volume.identity;
  jail.seccomp = "";
  if (const auto record = noted_record(sessions + "/" + volume.session)) {
    jail.project = record->project;
    jail.image = record->image;
    jail.user = record->user;
    jail.identity = record->identity;
    jail.sandbox = record->sandbox;
    if (record->seccomp != core::Seccomp::jailed) jail.seccomp.reset();
  }
  jail.limits = plan::jail_limits(
      {},
      {.memory = host::memory_size(), .files = host::most_open_files(), .processes = host::most_processes()});
  return jail;
}

Cargo cargo_of(const plan::Volume& volume, const std::string& sessions) {
  return {.id = volume.session,
          .project = volume.project,
          .container = volume.name,
          .sessions = sessions,
          .further = volume.further,
          .beside = noted_beside(sessions + "/" + volume.session)};
}

std::vector<plan::Volume> find_volumes(const plan::Engine& engine, const std::string& sessions, const std::string& session_id) {
  auto volumes = claimed_volumes(engine, sessions, session_id);
  std::erase_if(volumes, [](const auto& volume) { return volume.foreign.has_value(); });
  return volumes;
}

std::vector<plan::Volume> claimed_volumes(const plan::Engine& engine, const std::string& sessions, const std::string& session_id) {
  auto volumes = engine::claimed_volumes(engine, session_id);
  std::erase_if(volumes, [&](const auto& volume) {
    return volume.owner != ::geteuid() || (!session_id.empty() && volume.session != session_id);
  });
  std::set<std::string> seen;
  std::erase_if(volumes, [&](const auto& volume) { return !seen.insert(volume.name).second; });
  for (auto& volume : volumes) {
    const auto known = known_session(sessions, volume.session);  // before it is moved from, in whichever order a compiler goes
    volume = plan::agreed(engine, std::move(volume), known);
  }
  return volumes;
}

}  // namespace jailed::work
