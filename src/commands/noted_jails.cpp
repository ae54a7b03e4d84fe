#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <thread>

namespace jailed::commands {
namespace {

constexpr const char* kNote = "/jail";
constexpr const char* kFurther = "/further-projects";
constexpr const char* kSynced = "mutagen";
constexpr auto kOwnerPatience = std::chrono::seconds(30);

}  // namespace

// How the project gets in, in a line, and the project, which may be of several lines.
void note_jail(const std::string& session, const plan::Jail& jail) {
  const bool synced = std::find(jail.labels.begin(), jail.labels.end(), "jailed.sync=mutagen") != jail.labels.end();
  host::write_new_file(session + kNote, std::string(synced ? kSynced : "bind") + "\n" + jail.project, 0600);
  if (!jail.further.empty()) note_further_projects(session, jail.further);
}

std::vector<plan::FoundJail> noted_jails(const std::string& sessions) {
  std::vector<plan::FoundJail> jails;
  const auto detached = host::detached_sessions(sessions);
  for (const auto& id : host::list_directory(sessions)) {
    const auto note = host::read_file(sessions + "/" + id + kNote);
    if (!note || note->find('\n') == std::string::npos) continue;
    const bool left_alone = std::find(detached.begin(), detached.end(), id) != detached.end();
    if (!left_alone && !host::session_is_owned(sessions, id)) continue;
    const auto project = note->substr(note->find('\n') + 1);
    jails.push_back({.name = plan::container_name(project, id),
                     .session = id,
                     .project = project,
                     .image = {},
                     .state = "running",
                     .age = {},
                     .synced = note->starts_with(kSynced),
                     .detached = left_alone,
                    .further = further_projects(sessions + "/" + id, {})});
  }
  return jails;
}

std::vector<plan::NamedProject> further_projects(const std::string& session,
                                                 const std::vector<plan::NamedProject>& at_launch) {
  const auto text = host::read_file(session + kFurther);
  return text ? plan::parse_projects(*text) : at_launch;
}

// In one step: the jailed that owns the session may look at any time.
void note_further_projects(const std::string& session, const std::vector<plan::NamedProject>& projects) {
  const auto written = session + kFurther + ".new";
  ::unlink(written.c_str());
  host::write_new_file(written, plan::projects_label(projects), 0600);
  if (::rename(written.c_str(), (session + kFurther).c_str()) != 0)
    throw core::Error(fmt::format("Cannot write {}{}: {}.", core::printable(session), kFurther, std::strerror(errno)));
}

// A session that is kept for its commits has no volume any more.
bool may_have_volumes(const std::string& sessions, const std::vector<plan::FoundJail>& jails) {
  for (const auto& id : host::list_directory(sessions)) {
    const auto has_jail = [&](const plan::FoundJail& jail) { return jail.session == id; };
    if (std::any_of(jails.begin(), jails.end(), has_jail)) continue;
    const auto names = host::list_directory(sessions + "/" + id);
    if (names == std::vector<std::string>{"conflicts"} ||
        std::find(names.begin(), names.end(), "kept") != names.end() || host::session_is_owned(sessions, id))
      continue;
    return true;
  }
  return false;
}

bool wait_for_owner(const std::string& sessions, const std::string& id) {
  const auto end = std::chrono::steady_clock::now() + kOwnerPatience;
  while (host::session_is_owned(sessions, id)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace jailed::commands
