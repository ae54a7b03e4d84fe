#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A jail whose project is a copy in a volume that Mutagen keeps in step. Its container, the keeper, lives
/// until jailed removes it; the user's command is a second process in it, so that its end is not the end of
/// the sync.

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

/// What an exec without a terminal writes to its error output before the command begins: all before it is the client's, all after
/// it the command's.
inline constexpr std::string_view kCommandMark = "\x1ejailed\x1e";

/// A command in a running jail, at `workspace`. It runs below an init of its own, which passes signals on; `token` names
/// it for signal_command.
core::EngineCall exec_command(const Engine& engine, const std::string& container, const std::string& workspace,
                              const std::vector<std::string>& command, const std::string& token, bool terminal);
core::EngineCall exec_command(const Engine& engine, const Jail& jail, const std::string& token);
core::EngineCall signal_command(const Engine& engine, const std::string& container, const std::string& token,
                                int signal);

/// Kills whatever still runs in the keeper but the keeper and Mutagen's agent, so that a last flush is one.
core::EngineCall end_others_command(const Engine& engine, const std::string& container);

/// Prints a line when something in the workspace has changed, until it is ended. Perl, which every Debian has,
/// calls inotify; without it nothing is said, and Mutagen's polling has to do.
core::EngineCall watch_command(const Engine& engine, const std::string& container);

/// Writes the .git files of submodules, which are not synced, into the workspace.
core::EngineCall gitfiles_command(const Engine& engine, const std::string& container,
                                  const std::vector<ModulePlan>& modules);

/// Prints true or false.
core::EngineCall is_running_command(const Engine& engine, const std::string& container);

/// Writes these paths of a project, which is at `workspace`, as a tar archive to its output. A side that was deleted
/// is not in it.
core::EngineCall archive_command(const Engine& engine, const std::string& container,
                                 const std::vector<std::string>& paths, const std::string& workspace = "/workspace");

}  // namespace jailed::plan
