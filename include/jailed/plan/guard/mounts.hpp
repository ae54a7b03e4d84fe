#pragma once
#include <cstddef>
#include <jailed/plan/jail/mount.hpp>
#include <string>
#include <vector>

namespace jailed::plan {

/// Something that exists, and that the host would run or obey.
struct Guard {
  std::string path;
  bool directory = false;
  /// How many of the directories above must not be renamed, or the jail could put others in their place. Only
  /// those that belong to the tool: no file can be renamed across the border of a mount.
  std::size_t pinned = 0;
  bool operator==(const Guard&) const = default;
};

struct GuardSources {
  std::string view;       // the session, as the jail's user reaches it
  std::string workspace;  // the project, as the jail's user reaches it
  /// No other jail works on the project: nobody can turn a directory into a link before the engine mounts it.
  bool alone = true;
  std::string target = "/workspace";  // the project in the jail
};

struct GuardPlan {
  std::vector<BindMount> binds;     // in the order in which they must be made
  std::vector<std::string> copies;  // files that are mounted as copies guard/0, guard/1 … of the session
  std::size_t unguarded = 0;        // found out at the end only
  bool operator==(const GuardPlan&) const = default;
};

/// Read-only mounts; bounded in number, those nearest to the project's root first. `others`: what is mounted
/// in the workspace already.
GuardPlan plan_guards(std::vector<Guard> guards, const GuardSources& sources,
                      const std::vector<BindMount>& others);

}  // namespace jailed::plan
