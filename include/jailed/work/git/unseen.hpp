#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace jailed::work {

/// Paths that are each ended by a NUL.
std::vector<std::string> paths_in(std::string_view text);

/// Notes what of a project the jail has never had although git tracks it: paths of the host, each ended by a NUL.
void note_unseen(const std::string& part, std::string_view paths);

/// Why commits that `git diff-tree -r -z --raw` shows must not move a branch of `project`: they delete what the jail has never
/// had. Empty where they do not. `part`: of the session.
std::string unseen_obstacle(const std::string& part, const std::string& project, std::string_view raw);

}  // namespace jailed::work
