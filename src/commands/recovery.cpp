#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/machine.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <sstream>
#include <thread>

namespace jailed::commands {
namespace {

// A container that has just died may still be on its way out, with its name.
std::string start_again(const plan::Engine& engine, const plan::Jail& jail) {
  std::string said;
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    host::capture_shielded(plan::remove_command(engine, plan::container_name(jail.project, jail.id)));
    said = engine::start_keeper(engine, jail);
    if (said.empty()) break;
  }
  return said;
}

}  // namespace

bool recover(const plan::Engine& engine, const engine::SyncEngine& sync, const MutagenProgram& program,
             const plan::Jail& jail, const Cargo& cargo, PendingSignals& signals) {
  prepare_mutagen(program);
  host::make_private_directories(cargo.sessions);
  const host::TemporaryDirectory files(cargo.sessions + "/" + cargo.id, "recovery-");
  host::write_new_file(files.path() + "/passwd", plan::passwd_file(jail.user, jail.identity), 0644);
  host::write_new_file(files.path() + "/group", plan::group_file(jail.user, jail.identity, {}), 0644);
  host::write_new_file(files.path() + "/seccomp.json", plan::seccomp_profile(), 0644);
  // Removed by its own end, or by the next jailed's sweep, where there is no lease (on another machine).
  const host::Lease lease(files.path() + "/lease");
  auto keeper = plan::recovery_keeper(jail, files.path(), program.agents);
  keeper.seccomp = files.path() + "/seccomp.json";
  if (const auto said = start_again(engine, keeper); !said.empty()) {
    spdlog::error("The work in the volume {} could not be brought home: {}", cargo.container,
                  core::printable(said));
    spdlog::error("  nothing is lost; when that is mended: jailed sync recover {}", cargo.id);
    return false;
  }
  for (const auto& project : projects_of(cargo)) {
    if (sync.state(project.key)) {
      sync.resume(project.key);
      continue;
    }
    if (project.name.empty())
      spdlog::warn("Mutagen has forgotten this jail; what was deleted on one side comes back from the other.");
    sync.create({.id = cargo.id, .project = project.path, .container = cargo.container, .ignores = {}, .name = project.name});
  }
  const auto homecoming = bring_home(engine, sync, cargo, signals, Company::nobody);
  if (homecoming == Homecoming::container_gone) {
    spdlog::error("The container that should bring the work home ended; the work waits in the volume {}.",
                  cargo.container);
    spdlog::error("  nothing is lost; again: jailed sync recover {}", cargo.id);
  }
  return homecoming == Homecoming::done;
}

bool bring_home_or_recover(const plan::Engine& engine, const engine::SyncEngine& sync,
                           const MutagenProgram& program, const plan::Jail& jail, const Cargo& cargo,
                           PendingSignals& signals) {
  const auto homecoming = keeper_runs(engine, cargo.container) ? bring_home(engine, sync, cargo, signals)
                                                               : Homecoming::container_gone;
  if (homecoming != Homecoming::container_gone) return homecoming == Homecoming::done;
  spdlog::warn("The jail's container is gone (killed or removed, or its engine ended); bringing its work home.");
  return recover(engine, sync, program, jail, cargo, signals);
}

plan::Jail jail_of(const plan::Volume& volume) {
  plan::Jail jail;
  jail.id = volume.session;
  jail.project = volume.project;
  jail.owner = volume.owner;
  jail.image = volume.image;
  jail.user = volume.user;
  jail.identity = volume.identity;
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
          .further = further_projects(sessions + "/" + volume.session, volume.further),
          .beside = noted_beside(sessions + "/" + volume.session)};
}

std::vector<plan::Volume> find_volumes(const plan::Engine& engine, const std::string& session_id) {
  const auto found = host::capture_shielded(plan::find_volumes_command(engine, session_id));
  if (!found.status.ok())
    throw core::Error(fmt::format("{} does not say which volumes there are: {}", engine.program,
                                  core::printable(found.err)));
  std::vector<std::string> names;
  std::istringstream lines(found.out);
  for (std::string name; std::getline(lines, name);) {
    if (!name.empty()) names.push_back(name);
  }
  if (names.empty()) return {};
  // One that goes in between makes the answer a failure, with the others in it all the same.
  auto volumes =
      plan::parse_volumes(host::capture_shielded(plan::inspect_volumes_command(engine, names)).out);
  std::erase_if(volumes, [](const auto& volume) { return volume.owner != ::geteuid(); });
  return volumes;
}

}  // namespace jailed::commands
