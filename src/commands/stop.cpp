#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <set>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using plan::FoundJail;

// True when the work is home.
bool bring_detached_home(const Found& found, const FoundJail& jail, const work::AbandonedSession& session,
                         const Environment& environment) {
  const auto program = mutagen_or_throw(found.engine, environment);
  const work::SyncEngine sync(program.mutagen);
  const auto cargo = cargo_in(found, jail);
  PendingSignals signals;
  auto homecoming = bring_home(found.engine, sync, cargo, signals);
  if (homecoming == Homecoming::container_gone) {
    const auto volumes = find_volumes(found.engine, found.sessions, jail.session);
    if (volumes.empty()) throw core::Error(fmt::format("The volume of {} is gone.", jail.name), "see: jailed ls");
    const bool home = bring_home_or_recover(found.engine, sync, program, jail_of(volumes.front(), found.sessions), cargo, signals);
    homecoming = home ? Homecoming::done : Homecoming::held_up;
  }
  if (homecoming != Homecoming::done)
    return end_jail({.sessions = found.sessions, .id = jail.session, .files_home = false}).all_home();
  return import_session(found.engine, session, jail.session, found.settings, environment);
}

struct Stopped {
  std::string engine_error;  // of the first that the engine could not end
  bool all_home = true;      // the work of all others
};

// One that cannot be ended, or whose work cannot come home, does not hold up the others.
class Stopping {
 public:
  Stopping(const Found& found, const Environment& environment) : found_(found), environment_(environment) {}

  // In one call; after a failure each by itself, and those that cannot be are left as they are.
  void end_bound(std::vector<std::string> names) {
    if (names.empty()) return;
    const auto said = engine::stop_jails(found_.engine, names);
    if (said.empty()) return;
    if (names.size() == 1) return refuse(names.front(), said);
    for (const auto& name : names) {
      if (auto own = engine::stop_jails(found_.engine, {name}); !own.empty()) refuse(name, std::move(own));
    }
  }

  void end(const FoundJail& jail, const work::AbandonedSession& session) {
    if (refused_.contains(jail.name)) return;
    try {
      if (session) {
        stopped.all_home = bring_home_from(jail, session) && stopped.all_home;
      } else if (jail.synced && !jail.detached) {
        if (auto said = engine::signal_jail(found_.engine, jail.name, "command", SIGTERM); !said.empty())
          refuse(jail.name, std::move(said));
      }
    } catch (const core::Error& error) {
      spdlog::error("{}: {}", jail.name, error.what());
      if (!error.next_step().empty()) spdlog::error("  {}", error.next_step());
      stopped.all_home = false;
    }
  }

  bool ended(const FoundJail& jail) const { return !refused_.contains(jail.name); }

  Stopped stopped;

 private:
  bool bring_home_from(const FoundJail& jail, const work::AbandonedSession& session) {
    if (jail.synced) return bring_detached_home(found_, jail, session, environment_);
    if (jail.state != "running") engine::remove_jail(found_.engine, jail.name);
    return import_session(found_.engine, session, jail.session, found_.settings, environment_);
  }

  void refuse(const std::string& name, std::string said) {
    refused_.insert(name);
    if (stopped.engine_error.empty()) stopped.engine_error = std::move(said);
  }

  const Found& found_;
  const Environment& environment_;
  std::set<std::string> refused_;
};

Stopped stop_jails(const Found& found, const std::vector<FoundJail>& jails, const Environment& environment) {
  std::vector<work::AbandonedSession> sessions;
  std::vector<std::string> bound;
  for (const auto& jail : jails) {
    sessions.emplace_back(found.sessions, jail.session);
    if (!jail.synced) bound.push_back(jail.name);
  }
  Stopping stopping(found, environment);
  stopping.end_bound(bound);
  for (std::size_t i = 0; i < jails.size(); ++i) stopping.end(jails[i], sessions[i]);
  // The jailed of a jail in the foreground, and one that stops the same jail, bring the work home themselves.
  for (std::size_t i = 0; i < jails.size(); ++i) {
    if (!sessions[i] && stopping.ended(jails[i]) && !wait_for_owner(found.sessions, jails[i].session))
      spdlog::warn("{} was asked to end and is still at it.", jails[i].name);
  }
  return stopping.stopped;
}

}  // namespace

int stop(const core::Invocation& invocation, const core::Settings& settings, const Environment& environment) {
  auto found = about(settings, environment);
  engine::ask_remote_machine(found.engine);
  auto words = invocation.words;
  if (words.empty()) words.emplace_back();
  std::vector<FoundJail> chosen;
  if (!settings.all && words.size() == 1) {
    if (const auto noted = choose_noted(found, words.front())) chosen.push_back(*noted);
  }
  Stopped stopped;
  if (!chosen.empty()) stopped = stop_jails(found, chosen, environment);
  if (chosen.empty() || plan::says_container_is_gone(stopped.engine_error)) {
    ask_engine(found, environment);
    chosen.clear();
    if (settings.all) {
      chosen = plan::own_jails(found.jails);
      for (const auto& jail : found.jails) {
        if (jail.foreign) spdlog::info("{} is left alone: {}.", jail.name, jail.foreign->why);
      }
    }
    for (const auto& word : settings.all ? std::vector<std::string>{} : words) {
      const auto& jail = choose(found.jails, word);
      if (std::find(chosen.begin(), chosen.end(), jail) == chosen.end()) chosen.push_back(jail);
    }
    stopped = stop_jails(found, chosen, environment);
  }
  if (!stopped.engine_error.empty() && !plan::says_container_is_gone(stopped.engine_error))
    throw core::Error(fmt::format("{} could not end it: {}", found.engine.program,
                                  core::printable(stopped.engine_error)));
  return stopped.all_home ? 0 : core::kFailed;
}

}  // namespace jailed::commands
