#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/git/branches.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>

namespace jailed::commands {

using namespace work;

namespace {

std::vector<std::string> asked_for(const std::string& session, const std::string& sessions) {
  auto kept = kept_sessions(sessions);
  if (session.empty()) return kept;
  if (!is_session_id(session))
    throw core::UsageError(fmt::format("'{}' is no session.", core::printable(session)),
                           "see: jailed git log");
  for (const auto& id : kept) {
    if (id == session) return {id};
  }
  throw core::Error(
      fmt::format("Session {} has nothing to bring home, or its jail still runs.", session),
      "see: jailed git log");
}

int import_sessions(const std::vector<std::string>& ids, const core::Settings& settings,
                    const core::Environment& environment, const std::string& sessions) {
  auto engine = engine::use_engine(settings, environment);
  engine::ask_remote_machine(engine);
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
  int failed = 0;
  for (const auto& id : ids) {
    const AbandonedSession session(sessions, id);
    if (!session) continue;
    try {
      remove_left_siblings(engine, sessions + "/" + id, id);
      engine::remove_session_containers(engine, id);
      if (!import_session(engine, session, id, settings, environment)) failed = core::kFailed;
    } catch (const core::Error& error) {  // of one session; the others are not held up by it
      spdlog::error("{}: {}", id, error.what());
      failed = core::kFailed;
    }
  }
  if (ids.empty()) spdlog::info("Everything is home.");
  return failed;
}

void print_sessions(const std::vector<std::string>& ids, const std::string& sessions) {
  for (const auto& id : ids) {
    for (const auto& part : parts_with_work(sessions + "/" + id)) {
      std::cout << id << "  " << core::printable(session_project(part)) << "\n";
      for (const auto& unit : session_units(part)) {
        for (const auto& [name, value] : read_shadow_state(part, unit).changed)
          std::cout << "  " << value.substr(0, 8) << "  " << core::printable(name) << "\n";
      }
    }
    if (!is_unsettled_session(sessions + "/" + id)) continue;
    for (const auto& part : session_parts(sessions + "/" + id)) {
      if (!is_unsettled(part)) continue;
      std::cout << id << "  " << core::printable(snapshot_project(part)) << "\n";
      for (const auto& path : planted_in(part)) std::cout << "  not moved away  " << core::printable(path) << "\n";
    }
  }
}

}  // namespace

int git(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment) {
  const auto action = invocation.word();
  const auto session_asked = invocation.words.size() > 1 ? invocation.words[1] : std::string();
  const auto sessions = host::canonical_as_far_as_it_exists(settings.config_dir) + "/sessions";
  if (action == "drop" && session_asked.empty())
    throw core::UsageError("Which session's commits shall be given up?", "see: jailed git log");
  const auto ids = asked_for(session_asked, sessions);
  if (action == "import") return import_sessions(ids, settings, environment, sessions);
  if (action == "log") {
    print_sessions(ids, sessions);
    std::string reason;
    print_arrived(host::canonical(".", reason), {environment, sessions.substr(0, sessions.rfind('/'))});
    return 0;
  }
  const auto engine = engine::use_engine(settings, environment);
  try {
    remove_left_siblings(engine, sessions + "/" + ids.front(), ids.front());
    engine::remove_session_containers(engine, ids.front());
  } catch (const core::Error& error) {  // it is given up, with an engine or without
    spdlog::warn("{}", error.what());
  }
  const AbandonedSession session(sessions, ids.front());
  if (!session) return 0;  // another jailed is at it
  if (end_jail({.sessions = sessions, .id = ids.front(), .given_up = true}).nothing()) session.remove();
  return 0;
}

}  // namespace jailed::commands
