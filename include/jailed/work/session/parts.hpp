#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace jailed::work {

/// A session of a jail with several projects has a directory `projects/<name>` for each further one. It looks
/// like a session of one project: the shadow, what was known of it, the snapshot, the quarantine. So what is
/// done with a project is done with its part.

/// The session's own directory, for the first project, then one for each further project, by name.
std::vector<std::string> session_parts(const std::string& session);

/// What commits of a part come home under, refs/jailed/<this>/: the session's id, and a number where the part
/// has one, since an earlier part is of the same repository (two worktrees of it), and none must hide the
/// other's.
void number_part(const std::string& part, std::size_t number);
std::string refs_of_part(const std::string& part, const std::string& id);

}  // namespace jailed::work
