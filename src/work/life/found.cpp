#include <spdlog/spdlog.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <set>

namespace jailed::work {
namespace {

using core::Environment;
using plan::FoundJail;

// What is left of Mutagen's session when its jail and its volume are gone.
void forget_sync(const Found& found, const std::string& id, const Environment& environment) {
  try {
    if (const auto program = find_mutagen(found.engine, environment))
      SyncEngine(program->mutagen).terminate_all(id);
  } catch (const core::Error& error) {
    spdlog::debug("{}", error.what());
  }
}

void clear_ended(const Found& found, const std::string& id, bool synced, const Environment& environment) {
  if (synced && !find_volumes(found.engine, found.sessions, id).empty()) return;  // `jailed ls` shows it as unsynced
  const AbandonedSession session(found.sessions, id);
  if (!session) return;
  if (synced) forget_sync(found, id, environment);
  clear_session(session, found.sessions, id, "");
}

// A detached jail can end without jailed: by its own, or with the machine. Then its session ends here.
void clear_ended_detached(const Found& found, const Environment& environment) {
  const auto noted = noted_jails(found.engine, found.sessions);
  for (const auto& id : detached_sessions(found.sessions)) {
    const auto is_it = [&](const FoundJail& jail) { return jail.session == id; };
    if (std::any_of(found.jails.begin(), found.jails.end(), is_it)) continue;
    if (is_of_other_engine(found.engine, found.sessions + "/" + id)) continue;
    const auto note = std::find_if(noted.begin(), noted.end(), is_it);
    const bool synced = note == noted.end() || note->synced;
    try {
      clear_ended(found, id, synced, environment);
    } catch (const core::Error& error) {  // of one session; the others are not held up by it
      spdlog::warn("{}: {}", id, error.what());
    }
  }
}

std::string here() {
  std::string reason;
  return host::canonical(".", reason);
}

}  // namespace

Found about(const core::Settings& settings, const Environment& environment) {
  Found found;
  found.settings = settings;
  found.engine = engine::use_engine(found.settings, environment);
  found.sessions = host::canonical_as_far_as_it_exists(found.settings.config_dir) + "/sessions";
  return found;
}

void ask_engine(Found& found, const Environment& environment) {
  auto list = engine::list_jails(found.engine, found.settings.image);
  found.jails = std::move(list.jails);
  std::set<std::string> names;
  for (auto& jail : found.jails) {
    const auto known = known_session(found.sessions, jail.session);  // before it is moved from, in whichever order a compiler goes
    jail = plan::agreed(found.engine, std::move(jail), known);
    if (!jail.foreign && !names.insert(jail.name).second)
      jail = plan::foreign(found.engine, std::move(jail), "another one has its name");
  }
  if (list.whole) {
    clear_ended_detached(found, environment);
  } else {
    spdlog::warn("{} does not say clearly which jails there are; none is taken for ended.", found.engine.program);
  }
}

Found look(const core::Settings& settings, const Environment& environment) {
  auto found = about(settings, environment);
  ask_engine(found, environment);
  return found;
}

std::vector<FoundJail> running(const Found& found) {
  std::vector<FoundJail> jails;
  for (const auto& jail : found.jails) {
    if (jail.state == "running" || jail.foreign) jails.push_back(jail);
  }
  return jails;
}

const FoundJail& choose(const std::vector<FoundJail>& jails, const std::string& word) {
  std::string reason;
  const auto path = word.find('/') == std::string::npos && word != "." ? word : host::canonical(word, reason);
  return plan::choose_jail(jails, path.empty() ? word : path, here());
}

MutagenProgram mutagen_or_throw(const plan::Engine& engine, const Environment& environment) {
  auto program = find_mutagen(engine, environment);
  if (!program) throw core::Error("Mutagen not found in PATH.", "get it from https://mutagen.io");
  return *program;
}

std::optional<FoundJail> choose_noted(const Found& found, const std::string& word) {
  try {
    return choose(noted_jails(found.engine, found.sessions), word);
  } catch (const core::UsageError&) {
    return std::nullopt;
  }
}

void add_unsynced(Found& found) {
  for (const auto& volume : claimed_volumes(found.engine, found.sessions, "")) {
    const auto has_jail = [&](const plan::FoundJail& jail) {
      return jail.name == volume.name || (!jail.foreign && !volume.foreign && jail.session == volume.session);
    };
    if (std::any_of(found.jails.begin(), found.jails.end(), has_jail)) continue;
    found.jails.push_back({.name = volume.name,
                           .session = volume.session,
                           .project = volume.project,
                           .image = volume.image,
                           .state = "unsynced",
                           .age = "",
                           .synced = true,
                           .further = volume.further,
                           .foreign = volume.foreign});
  }
}

Cargo cargo_in(const Found& found, const plan::FoundJail& jail) {
  return {.id = jail.session,
          .project = jail.project,
          .container = jail.name,
          .sessions = found.sessions,
          .further = jail.further,
          .beside = noted_beside(found.sessions + "/" + jail.session)};
}

}  // namespace jailed::work
