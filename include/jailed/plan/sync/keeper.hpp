#pragma once
#include <cstdint>
#include <jailed/core/command.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace jailed::plan {

/// A jail whose project is a copy in a volume that Mutagen keeps in step. Its container, the keeper, lives
/// until jailed removes it; the user's command is a second process in it, so that its end is not the end of
/// the sync.

/// How Mutagen is run.
struct Mutagen {
  std::string program;
  std::vector<core::EnvVar> env;
  bool operator==(const Mutagen&) const = default;
};

/// What a keeper has that a jail with bind mounts has not.
struct KeeperMounts {
  std::string agents;                             // on the host: <version>/mutagen-agent
  std::optional<std::string> git = std::nullopt;  // the project's .git, which the agent may change (--git rw)
  std::vector<BindMount> further_git = {};        // those of further projects, beside them
};

/// `jail` as a keeper: the bind mount at /workspace and the project's own path becomes the volume of the jail's name, those
/// below /projects another one (projects_volume), the command one that waits. Of the mounts in the project only the one at .git stays: an engine would make the parents of
/// others in the fresh volume, as root. What they hide from the jail is not synced (SyncSession::ignores);
/// the .git files of submodules are written by gitfiles_command.
Jail keeper(Jail jail, const KeeperMounts& mounts);

/// The keeper that only brings a left-over volume home: no network, nothing of the user's but the volume, not even a
/// variable. `lease`: whether there is one among the session's files; with a filter of system calls of jailed's own in
/// `jail`, there is a `seccomp.json` among them.
Jail recovery_keeper(Jail jail, const std::string& session_files, bool lease, const std::string& agents);

/// The volume at /projects. The engine makes it with the container, so that it costs no call; it is found by the
/// name of the other one, which has the labels, and goes with it.
std::string projects_volume(const std::string& container);

core::Command create_volume_command(const Engine& engine, const Jail& jail);
/// All volumes of a jail, the one with the labels last.
core::Command remove_volume_command(const Engine& engine, const std::string& volume);

/// Whether the answer says that none is there.
bool says_volumes_are_gone(const Engine& engine, std::string_view answer);

/// The names of the volumes of one session, or of all; and everything about some of them.
core::Command find_volumes_command(const Engine& engine, const std::string& session_id);
core::Command inspect_volumes_command(const Engine& engine, const std::vector<std::string>& volumes);

/// Why something that says it is a jail's is taken for none of this configuration's, and what to do about it.
struct Foreign {
  std::string why;
  std::string next_step;
  bool operator==(const Foreign&) const = default;
};

/// A volume whose work may not be home. As parse_volumes gives it, it is what its labels claim; `agreed` (claims.hpp) fills in
/// from its session what is acted on.
struct Volume {
  std::string name;
  std::string session;
  std::string project;
  std::string image;
  std::string user;
  Identity identity;
  uid_t owner = 0;
  std::vector<NamedProject> further = {};  // now
  std::optional<Foreign> foreign = {};
  bool operator==(const Volume&) const = default;
};

/// Reads the engine's answer to inspect_volumes_command: names, sessions, projects and owners that can be ones; leaves out the rest.
std::vector<Volume> parse_volumes(std::string_view json);

/// What an exec without a terminal writes to its error output before the command begins: all before it is the client's, all after
/// it the command's.
inline constexpr std::string_view kCommandMark = "\x1ejailed\x1e";

/// A command in a running jail, at `workspace`. It runs below an init of its own, which passes signals on; `token` names
/// it for signal_command.
core::Command exec_command(const Engine& engine, const std::string& container, const std::string& workspace,
                           const std::vector<std::string>& command, const std::string& token, bool terminal);
core::Command exec_command(const Engine& engine, const Jail& jail, const std::string& token);
core::Command signal_command(const Engine& engine, const std::string& container, const std::string& token,
                             int signal);

/// Kills whatever still runs in the keeper but the keeper and Mutagen's agent, so that a last flush is one.
core::Command end_others_command(const Engine& engine, const std::string& container);

/// Prints a line when something in the workspace has changed, until it is ended. Perl, which every Debian has,
/// calls inotify; without it nothing is said, and Mutagen's polling has to do.
core::Command watch_command(const Engine& engine, const std::string& container);

/// Writes the .git files of submodules, which are not synced, into the workspace.
core::Command gitfiles_command(const Engine& engine, const std::string& container,
                               const std::vector<ModulePlan>& modules);

/// Prints true or false.
core::Command is_running_command(const Engine& engine, const std::string& container);

/// Writes these paths of a project, which is at `workspace`, as a tar archive to its output. A side that was deleted
/// is not in it.
core::Command archive_command(const Engine& engine, const std::string& container,
                              const std::vector<std::string>& paths, const std::string& workspace = "/workspace");

/// Mutagen's session of a project of a jail.
struct SyncSession {
  std::string id;         // the jail's
  std::string project;    // on the host
  std::string container;  // `workspace` in it is the other side
  std::vector<std::string> ignores;
  std::string name = {};  // of a further project, as workspace_of has it; empty: the first
  bool operator==(const SyncSession&) const = default;
};

/// By what a session is asked for: the jail's id, for a further project with a hash of its name, since Mutagen takes
/// few characters.
std::string sync_key(const std::string& id, const std::string& name);

/// `jailed-<key>`: Mutagen wants a name that begins with a letter.
std::string sync_name(const std::string& id);

core::Command sync_create_command(const Mutagen& mutagen, const SyncSession& session);
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
