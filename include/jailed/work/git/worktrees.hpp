#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/worktrees.hpp>
#include <jailed/work/git/host_git.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::work {

/// The linked worktrees of a repository that lie in the project and are named back by it.
void find_worktrees(plan::GitFacts& facts);

/// Puts them into the shadow, and the .git files that lead there into the session.
void make_worktree_shadows(const plan::GitPlan& plan, const plan::GitFacts& facts, const std::string& session);

/// Those that the shadow of a session or a part of one tells of, read as hostile bytes.
std::vector<plan::JailWorktree> worktrees_in(const std::string& part, const plan::GitRecord& record);

/// Whether a worktree of the jail is none here, or is on another branch.
bool worktrees_differ(const std::string& part);

/// Whether all of the jail's worktrees can be seen: what cannot be is not taken for none.
bool worktrees_can_be_read(const std::string& part);

/// Tells the .git files that a jail's `git worktree add` left in the project from others.
class GitfilesOfJail {
 public:
  explicit GitfilesOfJail(const std::string& part);
  bool wrote(std::string_view path, std::string_view content) const;

 private:
  std::vector<plan::JailWorktree> worktrees_;
  plan::JailPlace place_;
};

/// Makes the jail's worktrees worktrees of the host's repository where their branch came home, and moves those that are
/// forward. Into the repository goes nothing of the jail's but a plain name, a branch's name or an id. Says what it did, and
/// how to go on where it did not.
void bring_worktrees_home(const HostGit& git, const plan::GitRecord& record, const std::string& part,
                          const plan::GitRefs& collected, const core::Environment& environment);

}  // namespace jailed::work
