#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/find_engine.hpp>
#include <jailed/commands/git_home.hpp>
#include <jailed/commands/host_execution.hpp>
#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/places.hpp>
#include <jailed/commands/prepared_jail.hpp>
#include <jailed/commands/quarantine.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/settings.hpp>

namespace jailed::commands {
namespace {

void offer(const std::string& id, const std::string& record_project, const std::string& project) {
  if (!project.empty() && record_project != project) return;
  spdlog::warn("An earlier jail of this project left commits that have not come home.");
  spdlog::warn("  bring them: jailed git import {0}    give them up: jailed git drop {0}", id);
}

void remind_of_quarantine(const std::string& session, const std::string& project) {
  if (quarantine_project(session) != project) return;
  spdlog::warn("An earlier jail of this project left files in quarantine: see {}",
               core::shell_quote(session + "/quarantine.txt"));
}

bool is_session_id(const std::string& text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Sessions that nobody owns and that hold work.
std::vector<std::string> kept_sessions(const std::string& sessions) {
  std::vector<std::string> ids;
  for (const auto& id : host::abandoned_sessions(sessions)) {
    if (session_has_work(sessions + "/" + id)) ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> asked_for(const GitRequest& request, const std::string& sessions) {
  auto kept = kept_sessions(sessions);
  if (request.session.empty()) return kept;
  if (!is_session_id(request.session))
    throw core::UsageError(fmt::format("'{}' is no session.", core::printable(request.session)),
                           "see: jailed git log");
  for (const auto& id : kept) {
    if (id == request.session) return {id};
  }
  throw core::Error(
      fmt::format("Session {} has no commits to bring home, or its jail still runs.", request.session),
      "see: jailed git log");
}

int import_sessions(const std::vector<std::string>& ids, const core::Settings& settings,
                    const core::Environment& environment, const std::string& sessions) {
  const auto engine = find_engine(settings, environment);
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
  int failed = 0;
  for (const auto& id : ids) {
    const host::AbandonedSession session(sessions, id);
    if (!session) continue;
    engine::remove_session_containers(engine, id);
    if (!import_session(engine, session, id, settings, environment)) failed = core::kFailed;
  }
  if (ids.empty()) spdlog::info("Everything is home.");
  return failed;
}

void print_sessions(const std::vector<std::string>& ids, const std::string& sessions) {
  for (const auto& id : ids) {
    const auto session = sessions + "/" + id;
    std::cout << id << "  " << core::printable(session_project(session)) << "\n";
    for (const auto& unit : session_units(session)) {
      for (const auto& [name, value] : read_shadow_state(session, unit).changed)
        std::cout << "  " << value.substr(0, 8) << "  " << core::printable(name) << "\n";
    }
  }
}

}  // namespace

bool offer_kept_session(const std::string& sessions, const std::string& id, const std::string& project) {
  const auto session = sessions + "/" + id;
  if (!host::lstat_of(session + "/kept")) return false;
  const bool quarantined = holds_quarantine(session);
  if (quarantined) remind_of_quarantine(session, project);
  // Sessions of the one kind are cheap to tell; what is left of the other is worth a look.
  const bool had_quarantine = host::lstat_of(session + "/quarantine").has_value();
  const bool has_work = !had_quarantine || session_has_work(session);
  if (has_work) offer(id, session_project(session), project);
  return has_work || quarantined;
}

void clear_session(const host::AbandonedSession& session, const std::string& sessions, const std::string& id,
                   const std::string& project) {
  const auto path = sessions + "/" + id;
  const auto state = read_shadow_state(path, path);
  if (state.record) remove_made_entry(sessions, id, *state.record);
  const bool quarantined = settle_host_execution(sessions, id);
  const bool has_work = session_has_work(path);
  if (!quarantined && !has_work) {
    session.remove();
    return;
  }
  if (has_work) {
    strip_session(path);
    offer(id, session_project(path), project);
  } else {
    release_session(path);
  }
}

bool import_session(const plan::Engine& engine, const host::AbandonedSession&, const std::string& id,
                    const core::Settings& settings, const core::Environment& environment) {
  const auto sessions = host::canonical_as_far_as_it_exists(settings.config_dir) + "/sessions";
  const auto path = sessions + "/" + id;
  const auto state = read_shadow_state(path, path);
  if (state.record) remove_made_entry(sessions, id, *state.record);
  settle_host_execution(sessions, id);
  if (!session_has_work(path)) {
    release_session(path);
    return true;
  }
  core::Options about;
  about.path = session_project(path);
  const auto places = look_at_places(about, settings, environment);
  const auto identity = identity_for(places, environment);
  std::optional<host::IdmappedMounts> idmapped;
  if (::geteuid() == 0) 
    idmapped.emplace(id, identity.uid, identity.gid, !plan::on_host_kernel(settings.sandbox));
  const auto shadowed = shadowed_session(settings, environment, places, id, idmapped ? &*idmapped : nullptr);
  ObjectViews views(id, identity, idmapped ? &*idmapped : nullptr);
  if (bring_commits_home(engine, shadowed, views, environment)) {
    release_session(path);
    return true;
  }
  strip_session(path);
  return false;
}

int git(const GitRequest& request, const core::Options& options, const core::Environment& environment) {
  const auto settings = plan::resolve_settings(options, environment);
  const auto sessions = host::canonical_as_far_as_it_exists(settings.config_dir) + "/sessions";
  if (request.action == "drop" && request.session.empty())
    throw core::UsageError("Which session's commits shall be given up?", "see: jailed git log");
  const auto ids = asked_for(request, sessions);
  if (request.action == "import") return import_sessions(ids, settings, environment, sessions);
  if (request.action == "log") {
    print_sessions(ids, sessions);
    return 0;
  }
  const auto engine = find_engine(settings, environment);
  engine::remove_session_containers(engine, ids.front());
  const host::AbandonedSession session(sessions, ids.front());
  if (!session) return 0;  // another jailed is at it
  settle_host_execution(sessions, ids.front());
  release_session(sessions + "/" + ids.front());
  return 0;
}

}  // namespace jailed::commands
