#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What a launch decided, for whoever deals with its jail later: stop, shell, recover, import, sweep. It is written into the
/// session directory before the engine is called, and believed over the engine's labels and over today's settings.
struct SessionRecord {
  std::string id;
  std::string project;  // canonical path on the host
  std::string place;    // of the project in the jail: an absolute path
  std::string engine;   // engine_key
  bool synced = false;  // with Mutagen
  std::string image;
  std::string user;  // the jail's
  Identity identity;
  std::set<core::Waiver> allow;
  std::optional<std::string> sandbox;               // an OCI runtime; unset: the engine's default
  core::Seccomp seccomp = core::Seccomp::jailed;
  std::vector<NamedProject> further;                // at the launch
  std::vector<NamedProject> beside;                 // what Mutagen keeps in step beside the projects (Carried::followed)
  std::vector<SyncSession> syncs;                   // as they were made; made again with just that
  std::vector<std::string> elsewhere;               // directories outside of the projects of which parts are mounted (mounted_elsewhere)
  bool operator==(const SessionRecord&) const = default;
};

SessionRecord session_record(const Jail& jail, const Engine& engine, const core::Settings& settings);

/// JSON; paths with every byte but plain ones as %XX, since JSON holds no other bytes than UTF-8.
std::string format_session_record(const SessionRecord& record);

/// Nothing for what no jailed wrote: an id that is none, a path that is not absolute, a missing member.
std::optional<SessionRecord> parse_session_record(std::string_view text);

/// Twelve hexadecimal digits, as every session is called.
bool is_session_id(std::string_view text);

}  // namespace jailed::plan
