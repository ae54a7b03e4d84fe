#pragma once
#include <cstddef>
#include <cstdint>
#include <jailed/core/command.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace jailed::plan {

/// How Mutagen is run.
struct Mutagen {
  std::string program;
  std::vector<core::EnvVar> env;
  bool operator==(const Mutagen&) const = default;
};

/// Mutagen's session of a project of a jail.
struct SyncSession {
  std::string id;         // the jail's
  std::string project;    // on the host
  std::string container;  // `workspace` in it is the other side
  std::vector<std::string> ignores;
  std::string name = {};  // of a further project, as workspace_of has it; empty: the first
  unsigned umask = 022;   // of what is made on either side
  bool operator==(const SyncSession&) const = default;
};

/// By what a session is asked for: the jail's id, for a further project with a hash of its name, since Mutagen takes
/// few characters.
std::string sync_key(const std::string& id, const std::string& name);

/// `jailed-<key>`: Mutagen wants a name that begins with a letter.
std::string sync_name(const std::string& id);

/// The pattern by which Mutagen leaves out this directory of the project, whatever its name holds, and nothing else.
std::string ignore_of(std::string_view directory);

core::Command sync_create_command(const Mutagen& mutagen, const SyncSession& session);
/// Whether a create that ended with these words is worth another try: a call of the engine failed on a busy machine, and Mutagen (0.18.1) takes
/// the agent for missing and would ask whether to install it; or an exec brought no output home, as podman's on another machine sometimes does
/// (4.3 to 5: podman issues 21741, 25855).
bool may_pass(std::string_view said);
core::Command sync_resume_command(const Mutagen& mutagen, const std::string& id);
core::Command sync_flush_command(const Mutagen& mutagen, const std::string& id);
/// All sessions of a jail.
core::Command sync_flush_now_command(const Mutagen& mutagen, const std::string& id);
core::Command sync_pause_command(const Mutagen& mutagen, const std::string& id);
core::Command sync_terminate_command(const Mutagen& mutagen, const std::string& id);
/// All sessions of a jail.
core::Command sync_terminate_all_command(const Mutagen& mutagen, const std::string& id);
core::Command sync_list_command(const Mutagen& mutagen, const std::string& id);
core::Command mutagen_version_command(const Mutagen& mutagen);

/// Bytes of paths of a jail's that are words of one command.
inline constexpr std::size_t kMostWords = 100'000;

struct SyncProblem {
  std::string path;
  std::string error;
  bool operator==(const SyncProblem&) const = default;
};

/// What Mutagen says of a session.
struct SyncState {
  std::string status;      // "watching", "staging-beta", "halted-on-root-emptied" …
  std::string last_error;  // may be empty
  bool connected = false;  // both sides
  std::uint64_t files_home = 0;
  std::uint64_t files_jail = 0;
  std::uint64_t received = 0;  // files of `expected` that are staged, while it stages
  std::uint64_t expected = 0;
  std::uint64_t received_bytes = 0;
  std::vector<std::string> conflicts;
  std::uint64_t more_conflicts = 0;
  std::vector<SyncProblem> unread;  // of the jail's side: it could not be read
  std::uint64_t more_unread = 0;
  std::vector<SyncProblem> unwritten;  // it could not be written here
  std::uint64_t more_unwritten = 0;
  std::vector<SyncProblem> not_carried;  // of this side: it could not be read, or not be written in the jail
  std::uint64_t more_not_carried = 0;

  std::uint64_t not_home() const { return unread.size() + more_unread + unwritten.size() + more_unwritten; }

  bool halted() const { return status.starts_with("halted"); }

  /// What changes while Mutagen gets on.
  using Progress = std::tuple<std::string, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  Progress progress() const { return {status, files_home, files_jail, received, expected, received_bytes}; }
};

/// Reads `sync list`'s JSON; nothing when there is no such session.
std::optional<SyncState> parse_sync_state(std::string_view json);

/// A line on a first sync, for a terminal: phase, files, bytes.
std::string sync_progress(const SyncState& state);

/// The same session in one line for `jailed sync status`.
std::string sync_summary(const SyncState& state);

/// "12 KiB", "3.4 MiB".
std::string human_bytes(std::uint64_t bytes);

}  // namespace jailed::plan
