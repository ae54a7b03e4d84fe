#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/jail/caller_context.hpp>
#include <jailed/plan/sync/problems.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <jailed/work/sync/sessions.hpp>

namespace jailed::work {
namespace {

constexpr const char* kHeldUp = "/held-up";

}  // namespace

std::string sync_settings_file(const std::string& config) { return config + "/sync.json"; }

plan::SyncSettings sync_settings(const std::string& config) {
  const auto text = host::read_file(sync_settings_file(config));
  return text ? plan::parse_sync_settings(sync_settings_file(config), *text) : plan::SyncSettings{};
}

plan::SyncSession sync_session(const Cargo& cargo, const CargoProject& project) {
  if (const auto record = noted_record(fmt::format("{}/{}", cargo.sessions, cargo.id))) {
    if (auto made = plan::sync_of(*record, project.name)) return *made;
  }
  plan::SyncSession session{.id = cargo.id, .project = project.path, .container = cargo.container, .ignores = {}, .name = project.name, .umask = sync_umask()};
  if (project.name.starts_with('/')) return session;  // no project
  const auto config = cargo.sessions.substr(0, cargo.sessions.rfind('/'));
  session.ignores = sync_settings(config).ignores;
  const auto environment = host::environment_snapshot();
  const auto facts = look_at_git(project.path, {environment, config});
  ObjectViews views(cargo.id, {}, nullptr);
  for (const auto& directory : plan::plan_git(core::GitMode::shadow, facts, git_sources(facts, {}, project.path, views)).hidden)
    session.ignores.push_back(plan::ignore_of(directory));
  return session;
}

unsigned sync_umask() { return plan::sound_umask(host::file_mask()); }

void note_sync(const std::string& session, const plan::SyncSession& sync) {
  auto record = noted_record(session);
  if (!record) return;
  plan::set_sync(*record, sync);
  note_record(session, *record);
}

void note_held_up(const std::string& session) {
  host::make_private_directories(session);
  if (!host::lstat_of(session + kHeldUp)) host::write_new_file(session + kHeldUp, "", 0600);
}

bool offer_held_up(const plan::Engine& engine, const std::string& session, const std::string& id, const std::string& project) {
  if (!host::lstat_of(session + kHeldUp)) return false;
  const auto record = noted_record(session);
  if (!record) return false;
  const auto further = further_projects(session, record->further);
  const auto is_it = [&](const auto& one) { return one.path == project; };
  if (record->project == project || std::any_of(further.begin(), further.end(), is_it)) {
    try {
      if (find_volumes(engine, session.substr(0, session.rfind('/')), id).empty()) return false;  // the user has given it up
    } catch (const core::Error&) {
      return true;  // the launch will say so
    }
    spdlog::warn("An earlier jail of this project left work that could not come home.");
    spdlog::warn("  bring it: jailed sync recover {}", id);
  }
  return true;
}

}  // namespace jailed::work
