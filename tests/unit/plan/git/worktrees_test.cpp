#include <jailed/plan/git/worktrees.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

const std::string kId(40, 'c');

std::optional<JailWorktree> read(const std::string& name, const std::string& gitdir, const std::string& head = "ref: refs/heads/x\n") {
  return jail_worktree(name, gitdir, head, "/workspace");
}

}  // namespace

TEST_CASE("A worktree in the project is known by its name, its path and what it is at", "[plan]") {
  CHECK(read("x", "/workspace/.wt/x/.git\n") == JailWorktree{"x", ".wt/x", "ref: refs/heads/x"});
  CHECK(read("x", "/workspace/x/.git\n", kId + "\n") == JailWorktree{"x", "x", kId});
}

TEST_CASE("A worktree elsewhere, or with an odd place, is none of the project's", "[plan]") {
  const auto* gitdir = GENERATE("/tmp/x/.git\n", "/workspace/.git\n", "/workspace/../etc/.git\n", "/workspace2/x/.git\n", "x/.git\n",
                                "/workspace/a/../../b/.git\n", "/workspace//x/.git\n", "/workspace/./x/.git\n", "/workspace/x\n", "",
                                "/workspace/.git/x/.git\n", "/workspace/a/.GIT/b/.git\n", "/workspace/a\nb/.git\n",
                                "/workspace/a\x1b[2J/.git\n", "/home/me/.ssh/.git\n", "/.git");
  CAPTURE(gitdir);
  CHECK_FALSE(read("x", gitdir));
}

TEST_CASE("A worktree with an odd name is not taken", "[plan]") {
  const auto* name = GENERATE("..", ".", "", "-x", ".x", "a/b", "x.lock", "a b", "a\nb", "HEAD");
  CAPTURE(name);
  CHECK_FALSE(read(name, "/workspace/x/.git\n"));
}

TEST_CASE("A worktree is at a plain branch or at an id", "[plan]") {
  const auto* head = GENERATE("ref: refs/jailed/x\n", "ref: refs/heads/-x\n", "ref: refs/heads/../../config\n", "ref: /etc/passwd\n",
                              "junk\n", "", "ref: refs/heads/x\\n[core]\n");
  CAPTURE(head);
  CHECK_FALSE(read("x", "/workspace/x/.git\n", head));
}

TEST_CASE("Only the .git file that git in the jail wrote is known as that", "[plan]") {
  const JailWorktree worktree{"x", ".wt/x", "ref: refs/heads/x"};
  const JailPlace place{"/projects/p", "/jail/projects/p"};
  CHECK(is_gitfile_of(worktree, place, "gitdir: /projects/p/.git/worktrees/x\n"));
  CHECK(is_gitfile_of(worktree, place, "gitdir: /jail/projects/p/git/worktrees/x\n"));
  for (const auto* other : {"gitdir: /projects/p/.git/worktrees/y\n", "gitdir: /projects/p/.git\n", "gitdir: ../../evil\n",
                            "gitdir: /projects/p/.git/worktrees/x\n[core]\n", "gitdir: /workspace/.git/worktrees/x\n", ""})
    CHECK_FALSE(is_gitfile_of(worktree, place, other));
}

TEST_CASE("The user's worktrees are mounted for the jail's git, but not where Mutagen brings the files", "[plan]") {
  GitFacts facts;
  facts.entry = GitFacts::Entry::directory;
  facts.project = "/home/me/p";
  facts.git_dir = facts.common_dir = "/home/me/p/.git";
  facts.objects = {{"/home/me/p/.git/objects", false}};
  facts.worktrees = {{"x", ".wt/x"}};
  GitSources sources{.view = "/s", .workspace = "/home/me/p", .objects = {"/home/me/p/.git/objects"}};
  const auto plan = plan_git(jailed::core::GitMode::shadow, facts, sources);
  CHECK(plan.binds.back() == BindMount{"/s/worktrees/0", "/workspace/.wt/x/.git", true});
  CHECK(plan.worktrees == std::vector<WorktreePlan>{{"gitdir: /workspace/.git/worktrees/x\n", "/workspace/.wt/x/.git\n"}});
  sources.synced = true;
  CHECK(plan_git(jailed::core::GitMode::shadow, facts, sources).worktrees.empty());
}
