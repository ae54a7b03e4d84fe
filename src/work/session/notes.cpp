#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <thread>

namespace jailed::work {
namespace {

constexpr const char* kRecordFile = "record";
constexpr const char* kFurther = "/further-projects";
constexpr auto kOwnerPatience = std::chrono::seconds(30);

constexpr std::size_t kLongestRecord = 1 << 20;

bool is_of_other(const plan::Engine& engine, const plan::SessionRecord& record) {
  return record.engine != plan::engine_key(engine);
}

}  // namespace

void note_record(const std::string& session, const plan::SessionRecord& record) {
  const auto text = plan::format_session_record(record);
  // What cannot be read again is not written: it would be of no jail.
  if (text.size() > kLongestRecord)
    throw core::Error("This jail has more projects and patterns that Mutagen ignores than jailed can note.", "shorten sync.json, or name fewer projects");
  // The jailed that owns the session may look at any time.
  host::replace_file(session + "/" + kRecordFile, text, 0600);
}

std::optional<plan::SessionRecord> noted_record(const std::string& session) {
  const auto text = host::read_below(session, kRecordFile, kLongestRecord);
  auto record = text ? plan::parse_session_record(*text) : std::nullopt;
  if (record && !session.ends_with("/" + record->id)) return std::nullopt;
  return record;
}

plan::KnownSession known_session(const std::string& sessions, const std::string& id) {
  plan::KnownSession known;
  if (!plan::is_session_id(id)) return known;
  const auto session = sessions + "/" + id;
  const auto info = host::lstat_of(session);
  known.there = info && S_ISDIR(info->st_mode);
  if (!known.there) return known;
  known.detached = is_detached(sessions, id);
  known.record = noted_record(session);
  if (known.record) known.further = further_projects(session, known.record->further);
  return known;
}

std::vector<plan::FoundJail> noted_jails(const plan::Engine& engine, const std::string& sessions) {
  std::vector<plan::FoundJail> jails;
  const auto detached = detached_sessions(sessions);
  for (const auto& id : session_ids(sessions)) {
    const auto record = noted_record(sessions + "/" + id);
    if (!record || is_of_other(engine, *record)) continue;
    const bool left_alone = std::find(detached.begin(), detached.end(), id) != detached.end();
    if (!left_alone && !session_is_owned(sessions, id)) continue;
    const auto& project = record->project;
    jails.push_back({.name = plan::container_name(project, id),
                     .session = id,
                     .project = project,
                     .image = {},
                     .state = "running",
                     .age = {},
                     .synced = record->synced,
                     .detached = left_alone,
                     .further = further_projects(sessions + "/" + id, record->further),
                     .place = record->place});
  }
  return jails;
}

std::vector<plan::NamedProject> further_projects(const std::string& session,
                                                 const std::vector<plan::NamedProject>& at_launch) {
  const auto text = host::read_file(session + kFurther);
  return text ? plan::parse_projects(*text) : at_launch;
}

void note_further_projects(const std::string& session, const std::vector<plan::NamedProject>& projects) {
  host::replace_file(session + kFurther, plan::projects_label(projects), 0600);
}

bool is_of_other_engine(const plan::Engine& engine, const std::string& session) {
  const auto record = noted_record(session);
  return record && is_of_other(engine, *record);
}

std::optional<OtherEngine> engine_of_lost_work(const plan::Engine& engine, const std::string& session, const std::string& project) {
  const auto record = noted_record(session);
  if (!record || !is_of_other(engine, *record)) return std::nullopt;
  // Of a jail that came to its end its session keeps no such file.
  if (!record->synced && !host::lstat_of(session + "/passwd")) return std::nullopt;
  OtherEngine other{{}, record->synced};
  if (record->project != project) return other;
  const auto space = record->engine.find(' ');
  other.name = record->engine.substr(0, space);
  if (space != std::string::npos) other.name += fmt::format(" at {}", plan::shown_address(record->engine.substr(space + 1)));
  return other;
}

void note_work_is_home(const std::string& session) {
  auto record = noted_record(session);
  if (!record || !record->synced) return;
  record->synced = false;
  note_record(session, *record);
}

std::vector<plan::NamedProject> noted_beside(const std::string& session) {
  const auto record = noted_record(session);
  return record ? record->beside : std::vector<plan::NamedProject>{};
}

// A session that is kept for its commits has no volume any more.
bool may_have_volumes(const std::string& sessions, const std::vector<plan::FoundJail>& jails) {
  for (const auto& id : session_ids(sessions)) {
    const auto has_jail = [&](const plan::FoundJail& jail) { return jail.session == id; };
    if (std::any_of(jails.begin(), jails.end(), has_jail)) continue;
    const auto names = host::list_directory(sessions + "/" + id);
    if (names == std::vector<std::string>{"conflicts"} ||
        std::find(names.begin(), names.end(), "kept") != names.end() || session_is_owned(sessions, id))
      continue;
    return true;
  }
  return false;
}

bool wait_for_owner(const std::string& sessions, const std::string& id) {
  const auto end = std::chrono::steady_clock::now() + kOwnerPatience;
  while (session_is_owned(sessions, id)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace jailed::work
