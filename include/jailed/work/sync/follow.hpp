#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <jailed/work/sync/program.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// On Linux and in containers Mutagen looks for changes by polling: often is costly, seldom is late. So a process
/// beside the jail watches both sides by inotify and has Mutagen look at once when something changed; the
/// polling, every ten seconds, is only the net below it. The process ends with its watcher in the jail.
inline constexpr const char* kFollowChanges = "__follow-changes";

/// Starts it; whether it works is not waited for.
void start_following(const plan::Engine& engine, const MutagenProgram& program, const std::vector<std::string>& projects,
                     const std::string& container, const std::string& session_id);

/// That process: jailed __follow-changes ENGINE MUTAGEN CONTAINER SESSION PROJECT...
int follow_changes(const std::vector<std::string>& arguments);

}  // namespace jailed::work
