#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/git/forward.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/guard/quarantine.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>
#include <set>
#include <string_view>

namespace jailed::work {
namespace {

void say(const std::exception& error) {
  spdlog::error("{}", error.what());
  const auto* own = dynamic_cast<const core::Error*>(&error);
  if (own == nullptr) return;
  for (const auto line : core::lines(own->next_step())) spdlog::error("  {}", line);
}

// What a step answers, or `otherwise` when it failed.
template <typename Step>
bool attempt(const Step& step, bool otherwise) {
  try {
    return step();
  } catch (const std::exception& error) {
    say(error);
    return otherwise;
  }
}

// One session speaks of what stays in a project, not one more after each jail.
void take_over_planted(const std::string& sessions, const std::string& by, const std::string& project,
                       const std::set<std::string>& planted) {
  for (const auto& id : abandoned_sessions(sessions)) {
    const AbandonedSession session(sessions, id);
    if (id == by || !session) continue;
    bool taken = false;
    for (const auto& part : session_parts(sessions + "/" + id)) {
      const auto theirs = planted_in(part, project);
      if (theirs.empty() || !std::includes(planted.begin(), planted.end(), theirs.begin(), theirs.end())) continue;
      forget_planted_in(part);
      taken = true;
    }
    if (taken && end_jail({.sessions = sessions, .id = id}).nothing()) session.remove();
  }
}

// True when something is left in a project.
bool settle_host(const EndedJail& jail, const std::string& session) {
  const auto parts = session_parts(session);
  bool left = false;
  for (const auto& part : parts) {
    left = !attempt([&] { return settle_part(part, jail.id, parts.size() > 1, !jail.files_home); }, false) || left;
    if (const auto planted = planted_in(part); !planted.empty())
      take_over_planted(jail.sessions, jail.id, snapshot_project(part), planted);
  }
  if (left && jail.files_home && !jail.given_up) {
    spdlog::error("What this jail left for your tools to run is not all out of the way yet; what stays is named above.");
    spdlog::error("  move it away: jailed git import {0}    leave it there: jailed git drop {0}", jail.id);
  }
  return left;
}

bool bring_commits(const EndedJail& jail, const std::string& session) {
  return attempt(
      [&] {
        try {
          return jail.bring_commits();
        } catch (const std::exception&) {
          spdlog::error("Commits of the jail stay in {}:", core::printable(session));
          throw;
        }
      },
      false);
}

bool is_needed(std::string_view name, const std::string& part, const Kept& kept) {
  static const std::set<std::string_view> of_commits = {"git", "repository", "known", "known-refs", "empty-file", "modules", "worktrees",
                                                        "not-carried"};
  static const std::set<std::string_view> of_looking = {"host-snapshot", "planted", "guard"};
  static const std::set<std::string_view> of_both = {"number", "record"};
  if (of_commits.contains(name)) return kept.commits;
  if (of_looking.contains(name)) return is_unsettled(part);
  // By its socket the next launch knows that what was made through it is not all gone, and by the record with which engine.
  if (name == "record" && host::lstat_of(part + "/" + socket_proxy::kSocketName)) return true;
  if (of_both.contains(name)) return kept.commits || is_unsettled(part);
  if (name == "quarantine-room") return false;
  if (name.starts_with("quarantine")) return part_holds_quarantine(part) || is_unsettled(part);
  return name == "kept" || name == "conflicts" || name == "projects" || name == socket_proxy::kSocketName;
}

void strip(const std::string& session, const Kept& kept) {
  for (const auto& part : session_parts(session)) {
    for (const auto& name : host::list_directory(part)) {
      if (!is_needed(name, part, kept)) host::remove_tree(part + "/" + name);
    }
    if (part != session) ::rmdir(part.c_str());  // only when nothing is in it
  }
  // Spares the next launch a look. Without it that finds the same.
  attempt(
      [&] {
        if (!host::lstat_of(session + "/kept")) host::write_new_file(session + "/kept", "", 0600);
        return true;
      },
      false);
}

void give_up(const std::string& session) {
  for (const auto& part : session_parts(session)) {
    forget_planted_in(part);
    remove_half_made(part);
  }
}

}  // namespace

core::ExitStatus status_after(core::ExitStatus command, const Kept& kept) {
  return command.ok() && !kept.all_home() ? core::ExitStatus::exited(core::kFailed) : command;
}

Kept end_jail(const EndedJail& jail) {
  const auto session = jail.sessions + "/" + jail.id;
  Kept kept;
  kept.files = !jail.files_home;
  kept.planted = settle_host(jail, session);
  attempt(
      [&] {
        remove_made_entries(jail.sessions, jail.id);
        return true;
      },
      false);
  kept.commits = !jail.given_up && attempt([&] { return !parts_with_work(session).empty(); }, true);
  if (kept.files) return kept;
  if (kept.commits && jail.bring_commits) kept.commits = !bring_commits(jail, session);
  if (jail.given_up) {
    give_up(session);
    kept.planted = false;
  }
  kept.quarantine = holds_quarantine(session);
  if (!kept.nothing()) strip(session, kept);
  return kept;
}

}  // namespace jailed::work
