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
#include <jailed/plan/endpoint.hpp>
#include <thread>

namespace jailed::commands {
namespace {

constexpr const char* kNote = "/jail";
constexpr const char* kFurther = "/further-projects";
constexpr const char* kBeside = "/beside";
constexpr const char* kSynced = "mutagen";
constexpr auto kOwnerPatience = std::chrono::seconds(30);

struct Note {
  bool synced = false;
  std::string engine;  // plan::engine_key
  std::string project;
};

std::optional<Note> read_note(const std::string& session) {
  const auto text = host::read_file(session + kNote);
  const auto end = text ? text->find('\n') : std::string::npos;
  if (end == std::string::npos) return std::nullopt;
  const auto first = text->substr(0, end);
  const auto space = first.find(' ');
  return Note{.synced = first.starts_with(kSynced),
              .engine = space == std::string::npos ? std::string{} : first.substr(space + 1),
              .project = text->substr(end + 1)};
}

bool is_of_other(const plan::Engine& engine, const Note& note) {
  return !note.engine.empty() && note.engine != plan::engine_key(engine);
}

// In one step: the jailed that owns the session may look at any time.
void write_list(const std::string& path, const std::vector<plan::NamedProject>& projects) {
  const auto written = path + ".new";
  ::unlink(written.c_str());
  host::write_new_file(written, plan::projects_label(projects), 0600);
  if (::rename(written.c_str(), path.c_str()) != 0)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(path), std::strerror(errno)));
}

}  // namespace

// How the project gets in and the engine, in a line, and the project, which may be of several lines.
void note_jail(const std::string& session, const plan::Engine& engine, const plan::Jail& jail) {
  const bool synced = std::find(jail.labels.begin(), jail.labels.end(), "jailed.sync=mutagen") != jail.labels.end();
  host::write_new_file(session + kNote,
                       fmt::format("{} {}\n{}", synced ? kSynced : "bind", plan::engine_key(engine), jail.project), 0600);
  if (!jail.further.empty()) note_further_projects(session, jail.further);
}

std::vector<plan::FoundJail> noted_jails(const plan::Engine& engine, const std::string& sessions) {
  std::vector<plan::FoundJail> jails;
  const auto detached = host::detached_sessions(sessions);
  for (const auto& id : host::list_directory(sessions)) {
    const auto note = read_note(sessions + "/" + id);
    if (!note || is_of_other(engine, *note)) continue;
    const bool left_alone = std::find(detached.begin(), detached.end(), id) != detached.end();
    if (!left_alone && !host::session_is_owned(sessions, id)) continue;
    const auto& project = note->project;
    jails.push_back({.name = plan::container_name(project, id),
                     .session = id,
                     .project = project,
                     .image = {},
                     .state = "running",
                     .age = {},
                     .synced = note->synced,
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

void note_further_projects(const std::string& session, const std::vector<plan::NamedProject>& projects) {
  write_list(session + kFurther, projects);
}

bool is_of_other_engine(const plan::Engine& engine, const std::string& session) {
  const auto note = read_note(session);
  return note && note->synced && is_of_other(engine, *note);
}

std::optional<std::string> engine_of_lost_work(const plan::Engine& engine, const std::string& session,
                                               const std::string& project) {
  const auto note = read_note(session);
  if (!note || !note->synced || !is_of_other(engine, *note)) return std::nullopt;
  if (note->project != project) return "";
  const auto space = note->engine.find(' ');
  if (space == std::string::npos) return note->engine;
  return fmt::format("{} at {}", note->engine.substr(0, space), plan::shown_address(note->engine.substr(space + 1)));
}

void note_beside(const std::string& session, const std::vector<plan::NamedProject>& beside) {
  if (!beside.empty()) write_list(session + kBeside, beside);
}

std::vector<plan::NamedProject> noted_beside(const std::string& session) {
  return plan::parse_projects(host::read_file(session + kBeside).value_or(""));
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
