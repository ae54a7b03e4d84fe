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
  std::vector<std::string> elsewhere = {};  // what else it has mounted by its path
  bool masks_git = true;                    // its projects' .git are mounts, or left out
};

/// A project that is about to get a jail.
struct LaunchedBeside {
  std::string project;
  bool mounted_parts = false;          // mounts_parts
  std::vector<std::string> elsewhere;  // mounted_elsewhere
};

/// Throws core::Error when what works in a running jail could put something else, or a link, in the place of the project or of anything
/// that is mounted by its own path between jailed's look at it and the engine's: when it holds a directory above, or the same project with
/// parts that are mounted so. The project's own directory a jail cannot replace, nor its .git: they are mounts there. And when a jail
/// around a running one could do that to what Mutagen keeps in step there.
void check_beside(const LaunchedBeside& launched, const std::vector<RunningBeside>& running);

/// Whether one of them is within `project`, or has something in it mounted, and not up yet: until then a jail around it may not begin.
bool must_wait(const std::string& project, const std::vector<RunningBeside>& running);

}  // namespace jailed::plan
