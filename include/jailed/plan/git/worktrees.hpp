#pragma once
#include <jailed/plan/git/shadow.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

/// A linked worktree in the project, as the jail's repository tells of it. What is kept of the jail's bytes are a plain name,
/// a path below the project and a branch or an id.
struct JailWorktree {
  std::string name;  // below worktrees/
  std::string path;  // of the work tree, relative to the project
  std::string head;  // "ref: refs/heads/..." or an id
  bool operator==(const JailWorktree&) const = default;
};

/// From worktrees/<name> and its files gitdir and HEAD; `workspace`: where the project is in the jail. Nothing where one of
/// them is odd, or the worktree is not within the project.
std::optional<JailWorktree> jail_worktree(std::string_view name, std::string_view gitdir, std::string_view head,
                                          std::string_view workspace);

/// Whether `content` is what git in the jail writes into that worktree's .git.
bool is_gitfile_of(const JailWorktree& worktree, const JailPlace& place, std::string_view content);

/// The user's worktrees in the project work in the jail: their .git files lead to the shadow's worktrees/.
void add_worktrees(GitPlan& plan, const GitFacts& facts, const GitSources& sources);

}  // namespace jailed::plan
