#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/session/record.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/git/homecoming.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/guard/quarantine.hpp>
#include <jailed/work/launch/facts.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>

namespace jailed::work {
namespace {

// `project`: of the launch that asks; empty: whoever's.
void offer(const std::string& session, const std::string& id, const std::string& project) {
  const auto parts = parts_with_work(session);
  const auto is_of_it = [&](const auto& part) { return session_project(part) == project; };
  if (!project.empty() && std::none_of(parts.begin(), parts.end(), is_of_it)) return;
  spdlog::warn("An earlier jail of this project left commits that have not come home.");
  spdlog::warn("  bring them: jailed git import {0}    give them up: jailed git drop {0}", id);
}

void remind_of_quarantine(const std::string& session, const std::string& project) {
  const auto list = quarantine_list_of(session, project);
  if (list.empty()) return;
  spdlog::warn("An earlier jail of this project left files in quarantine: see {}", core::shell_quote(list));
}

// What was decided at the launch, not what would be decided today: a project that was let in then is still the one.
core::Settings settings_of(const std::optional<plan::SessionRecord>& record, core::Settings today) {
  if (!record) return today;
  today.image = record->image;
  today.user = record->user;
  today.allow = record->allow;
  today.sandbox.reset();
  if (record->sandbox) today.sandbox = core::Named{*record->sandbox, {}};
  today.seccomp = record->seccomp;
  return today;
}

// With another jail than the one that made them.
bool bring_commits_later(const plan::Engine& engine, const std::string& session, const std::string& id,
                         const core::Settings& today, const core::Environment& environment) {
  const auto record = noted_record(session);
  const auto settings = settings_of(record, today);
  const auto project = session_project(parts_with_work(session).front());
  if (!host::lstat_of(project))
    throw core::Error(fmt::format("{} is gone.", core::printable(project)),
                      fmt::format("put it back and: jailed git import {0}    give them up: jailed git drop {0}", id));
  const auto facts = launch_facts(settings, environment, engine, look_at_places({project}, settings, environment),
                                  record ? std::optional(record->identity) : std::nullopt);
  const auto reader = facts.reader;
  std::optional<host::IdmappedMounts> idmapped;
  if (::geteuid() == 0 && engine.reach.mounts) idmapped.emplace(id, reader.uid, reader.gid, !plan::on_host_kernel(settings.sandbox)).make();
  const auto shadowed = shadowed_session(facts, id, idmapped ? &*idmapped : nullptr);
  ObjectViews views(id, reader, idmapped ? &*idmapped : nullptr);
  return bring_commits_home(engine, shadowed, views, environment);
}

// What could not be moved out of this project at an earlier end: no launch takes it for what was always there.
void try_again(const std::string& sessions, const std::string& id, const std::string& project) {
  const auto parts = session_parts(sessions + "/" + id);
  if (std::none_of(parts.begin(), parts.end(), [&](const auto& part) { return is_unsettled(part) && snapshot_project(part) == project; })) return;
  const AbandonedSession session(sessions, id);
  if (session && end_jail({.sessions = sessions, .id = id}).nothing()) session.remove();
}

}  // namespace

bool is_unsettled_session(const std::string& session) {
  const auto parts = session_parts(session);
  return host::lstat_of(session + "/kept") && std::any_of(parts.begin(), parts.end(), is_unsettled);
}

std::vector<std::string> kept_sessions(const std::string& sessions) {
  std::vector<std::string> ids;
  for (const auto& id : abandoned_sessions(sessions)) {
    const auto session = sessions + "/" + id;
    if (is_unsettled_session(session) || !parts_with_work(session).empty()) ids.push_back(id);
  }
  return ids;
}

void remove_left_siblings(const plan::Engine& engine, const std::string& session, const std::string& id) {
  // A proxy that ended as it should has taken its socket away.
  const auto socket = session + "/" + socket_proxy::kSocketName;
  if (!host::lstat_of(socket)) return;
  const auto record = noted_record(session);
  if (record && record->engine != plan::engine_key(engine))
    throw core::Error(fmt::format("What the jail of session {} made through --testcontainers=proxy is with another engine.", id),
                      "it is removed by the next jailed that uses that one");
  engine::remove_siblings(engine, id);
  ::unlink(socket.c_str());
}

bool offer_kept_session(const std::string& sessions, const std::string& id, const std::string& project) {
  const auto session = sessions + "/" + id;
  if (!host::lstat_of(session + "/kept")) return false;
  try_again(sessions, id, project);
  const bool quarantined = holds_quarantine(session);
  if (quarantined) remind_of_quarantine(session, project);
  // Sessions of the one kind are cheap to tell; what is left of the other is worth a look.
  const bool of_one_kind = !host::lstat_of(session + "/quarantine") && !host::lstat_of(session + "/projects");
  const bool has_work = of_one_kind || !parts_with_work(session).empty();
  if (has_work) offer(session, id, project);
  return has_work || quarantined || is_unsettled_session(session);
}

void clear_session(const AbandonedSession& session, const std::string& sessions, const std::string& id,
                   const std::string& project) {
  const auto kept = end_jail({.sessions = sessions, .id = id});
  if (kept.commits) offer(sessions + "/" + id, id, project);
  if (kept.nothing()) session.remove();
}

bool import_session(const plan::Engine& engine, const AbandonedSession& session, const std::string& id,
                    const core::Settings& settings, const core::Environment& environment) {
  const auto sessions = host::canonical_as_far_as_it_exists(settings.config_dir) + "/sessions";
  const auto kept = end_jail({.sessions = sessions, .id = id, .bring_commits = [&] {
                                return bring_commits_later(engine, sessions + "/" + id, id, settings, environment);
                              }});
  if (kept.nothing()) session.remove();
  return kept.all_home();
}

}  // namespace jailed::work
