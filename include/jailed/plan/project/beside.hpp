#pragma once
#include <string>
#include <vector>

namespace jailed::plan {

/// A jail that runs already.
struct RunningBeside {
  std::string name;  // of the container
  std::vector<std::string> projects;
  bool synced = false;    // Mutagen finds its projects by their paths, as long as it runs
  bool starting = false;  // the engine has not mounted them yet
};

/// Throws core::Error when what works in a running jail could put something else, or a link, in the place of `project` or of a part
/// of it that is mounted by its own path (`mounted_parts`, as mounts_parts says) between jailed's look at it and the engine's: when it holds
/// a directory above, or the same project with such parts. The project's own directory a jail cannot replace: it is a mount there. And
/// when a jail around a running one could do that to what Mutagen keeps in step there.
void check_beside(const std::string& project, bool mounted_parts, const std::vector<RunningBeside>& running);

/// Whether one of them is within `project` and not up yet: until then a jail around it may not begin.
bool must_wait(const std::string& project, const std::vector<RunningBeside>& running);

}  // namespace jailed::plan
