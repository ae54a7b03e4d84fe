#pragma once
#include <cstdint>
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/session/record.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What Mutagen could not carry, and what becomes of it.

/// Of the jail's side, after the last flush.
struct StaysAway {
  std::vector<SyncProblem> in_the_way;  // on the host, where the user can mend it: the volume waits for that
  std::uint64_t more_in_the_way = 0;
  std::vector<std::string> archived;  // can never be files here; "" is the whole project
  std::vector<SyncProblem> impossible;  // the same, for the user
  bool odd_names = false;             // some names are not UTF-8, so Mutagen does not tell them; they are archived, too

  bool nothing() const { return in_the_way.empty() && more_in_the_way == 0 && archived.empty() && !odd_names; }
};

/// A repository's own files are not Mutagen's to bring (SyncSession::ignores), so what is said of them counts for nothing.
StaysAway what_stays_away(const SyncState& state);

/// Of the host's side, after the first flush, but for repositories.
struct LeftOut {
  std::vector<SyncProblem> problems;
  std::uint64_t more = 0;
  bool nothing() const { return problems.empty() && more == 0; }
};
LeftOut left_out(const SyncState& state);

/// Whether Mutagen could not carry a file for this reason: a name that is not UTF-8, or one of `problems` at it or above.
bool is_left_out(const LeftOut& left, std::string_view path);

/// Gives the jail's user back the right to read what is theirs, so that it can come home. Modes do not (only whether a file
/// can be executed), so nothing of this is seen there.
core::EngineCall open_up_command(const Engine& engine, const std::string& container, const std::string& workspace);

/// Write a tar archive to their output: these paths, all of them or none; and all whose names are not UTF-8.
core::EngineCall archive_whole_command(const Engine& engine, const std::string& container, const std::vector<std::string>& paths,
                                       const std::string& workspace);
core::EngineCall archive_odd_names_command(const Engine& engine, const std::string& container, const std::string& workspace);

/// Prints, each with a NUL behind it, the files of the index that are not in a work tree of the jail.
core::EngineCall missing_files_command(const Engine& engine, const std::string& container, const std::string& work_tree);

/// How the Mutagen session of a project was made; `name` as workspace_of has it.
std::optional<SyncSession> sync_of(const SessionRecord& record, const std::string& name);

/// What `record` knows of it from now on.
void set_sync(SessionRecord& record, const SyncSession& session);

/// Among the paths that `git diff-tree -r -z --raw` says are deleted, the first that is in `not_carried`.
std::optional<std::string> deleted_unseen(std::string_view raw, const std::vector<std::string>& not_carried);

}  // namespace jailed::plan
