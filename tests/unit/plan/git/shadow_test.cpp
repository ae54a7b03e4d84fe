#include <jailed/core/error.hpp>
#include <jailed/plan/git/shadow.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::GitMode;
using Entry = GitFacts::Entry;
using Kind = GitPlan::Kind;

namespace {

const GitSources kSources{"/s", "/w", {"/v0", "/v1"}, "/lfs", {{"/m0"}}};

GitFacts repository() {
  GitFacts facts;
  facts.entry = Entry::directory;
  facts.project = "/p";
  facts.git_dir = facts.common_dir = "/p/.git";
  facts.objects = {{"/p/.git/objects", true}, {"/other/objects", false}};
  return facts;
}

}  // namespace

TEST_CASE("a repository is shadowed, its objects are read-only", "[plan]") {
  const auto plan = plan_git(GitMode::shadow, repository(), kSources);
  CHECK(plan.kind == Kind::shadow);
  CHECK(plan.alternates == "/jail/objects\n/jail/objects-1\n");
  CHECK(plan.binds == std::vector<BindMount>{{"/s/git", "/workspace/.git", false},
                                             {"/v0", "/jail/objects", true},
                                             {"/s/empty-file", "/jail/objects/info/alternates", true},
                                             {"/v1", "/jail/objects-1", true}});
  CHECK(plan_git(GitMode::ro, repository(), kSources).binds.front() ==
        BindMount{"/s/git", "/workspace/.git", true});
}

TEST_CASE("a further project's repository is beside it, in the jail too", "[plan]") {
  auto sources = kSources;
  sources.place = {"/projects/api", "/jail/projects/api"};
  auto facts = repository();
  facts.modules = {{"x", "/p/.git/modules/x", "libs/x", {{"/p/.git/modules/x/objects", false}}}};
  for (const auto entry : {Entry::directory, Entry::file}) {
    facts.entry = entry;
    const auto plan = plan_git(GitMode::shadow, facts, sources);
    CHECK(plan.place == "/jail/projects/api");
    CHECK(plan.alternates == "/jail/projects/api/objects\n/jail/projects/api/objects-1\n");
    CHECK(plan.modules.front().work_tree == "/projects/api/libs/x");
    const std::string shadow = entry == Entry::file ? "/jail/projects/api/git" : "../../.git";
    CHECK(plan.modules.front().gitfile == "gitdir: " + shadow + "/modules/x\n");
    CHECK(plan.gitfile == (entry == Entry::file ? "gitdir: /jail/projects/api/git\n" : ""));
    for (const auto& bind : plan.binds) {
      INFO(bind.target);
      CHECK((bind.target.starts_with("/projects/api/") || bind.target.starts_with("/jail/projects/api/")));
    }
  }
}

TEST_CASE("where nothing can be mounted in the work tree, the shadow is beside it", "[plan]") {
  auto sources = kSources;
  sources.place = {"/projects/api", "/jail/projects/api"};
  sources.beside = true;
  const auto plan = plan_git(GitMode::shadow, repository(), sources);
  CHECK(plan.gitfile == "gitdir: /jail/projects/api/git\n");
  CHECK(plan.binds[1] == BindMount{"/s/git", "/jail/projects/api/git", false});
  GitFacts none;
  none.project = "/p";
  const auto nothing = plan_git(GitMode::shadow, none, sources);
  CHECK(nothing.kind == Kind::masked);
  CHECK_FALSE(nothing.make_entry);
  CHECK(nothing.binds.empty());
  CHECK(nothing.environment.empty());
}

TEST_CASE("behind a .git file the shadow has a place of its own", "[plan]") {
  auto facts = repository();
  facts.entry = Entry::file;
  facts.git_dir = "/main/.git/worktrees/p";
  facts.common_dir = "/main/.git";
  facts.objects = {{"/main/.git/objects", false}};
  const auto plan = plan_git(GitMode::shadow, facts, kSources);
  CHECK(plan.gitfile == "gitdir: /jail/git\n");
  CHECK(plan.binds == std::vector<BindMount>{{"/s/gitfile", "/workspace/.git", true},
                                             {"/s/git", "/jail/git", false},
                                             {"/v0", "/jail/objects", true}});
  facts.git_dir = facts.common_dir = "/p/.bare";  // or the agent would write it under its other name
  CHECK(plan_git(GitMode::shadow, facts, kSources).binds[2] ==
        BindMount{"/s/empty", "/workspace/.bare", true});
}

TEST_CASE("a submodule and what is above it are mounts that cannot be moved away", "[plan]") {
  auto facts = repository();
  facts.objects = {{"/p/.git/objects", false}};
  facts.modules = {
      {"libs/x", "/p/.git/modules/libs/x", "libs/x", {{"/p/.git/modules/libs/x/objects", false}}}};
  const auto plan = plan_git(GitMode::shadow, facts, kSources);
  CHECK(plan.binds == std::vector<BindMount>{{"/s/git", "/workspace/.git", false},
                                             {"/v0", "/jail/objects", true},
                                             {"/w/libs", "/workspace/libs", false},
                                             {"/w/libs/x", "/workspace/libs/x", false},
                                             {"/s/modules/0/gitfile", "/workspace/libs/x/.git", true},
                                             {"/m0", "/jail/modules/0/objects", true}});
  // Relative, as git writes them: the project is at several places.
  CHECK(plan.modules == std::vector<ModulePlan>{{"gitdir: ../../.git/modules/libs/x\n", "/jail/modules/0/objects\n",
                                                 "/workspace/libs/x", "../../../../libs/x"}});

  auto sources = kSources;
  sources.linked = true;
  CHECK(plan_git(GitMode::shadow, facts, sources).modules ==
        std::vector<ModulePlan>{{"gitdir: /workspace/.git/modules/libs/x\n", "/jail/modules/0/objects\n", "/workspace/libs/x", "/workspace/libs/x"}});
  facts.entry = GitFacts::Entry::file;
  CHECK(plan_git(GitMode::shadow, facts, kSources).modules.front().gitfile == "gitdir: /jail/git/modules/libs/x\n");
}

TEST_CASE("where there is no repository, none can be planted", "[plan]") {
  GitFacts facts;
  facts.project = "/p";
  auto plan = plan_git(GitMode::shadow, facts, kSources);
  CHECK(plan.kind == Kind::masked);
  CHECK(plan.make_entry);
  CHECK(plan.environment == std::vector<jailed::core::EnvVar>{{"GOFLAGS", "-buildvcs=false"}});
  CHECK(plan.binds == std::vector<BindMount>{{"/s/git", "/workspace/.git", false}});
  facts.above = "/";
  CHECK_FALSE(plan_git(GitMode::shadow, facts, kSources).notice.empty());
  facts.may_make_entry = false;
  CHECK(plan_git(GitMode::shadow, facts, kSources).kind == Kind::plain);
}

TEST_CASE("--git none hides the repository, --git rw says what it means", "[plan]") {
  auto plan = plan_git(GitMode::none, repository(), kSources);
  CHECK(plan.binds == std::vector<BindMount>{{"/s/git", "/workspace/.git", true}});
  CHECK(plan.alternates.empty());
  plan = plan_git(GitMode::rw, repository(), kSources);
  CHECK(plan.kind == Kind::plain);
  CHECK(plan.binds.empty());
  CHECK_FALSE(plan.warning.empty());
}

TEST_CASE("repositories that cannot be handed over safely are refused", "[plan]") {
  auto link = repository();
  link.entry = Entry::symlink;
  GitFacts bare;
  bare.bare_at_root = true;
  auto odd = repository();
  odd.problem = "odd";
  for (const auto& facts : {link, bare, odd}) {
    CHECK_THROWS_AS(plan_git(GitMode::shadow, facts, kSources), jailed::core::Error);
    CHECK_THROWS_AS(plan_git(GitMode::ro, facts, kSources), jailed::core::Error);
  }
  CHECK_THROWS_AS(plan_git(GitMode::none, link, kSources), jailed::core::Error);
}

TEST_CASE("a .git file alone is no proof", "[plan]") {
  CHECK(points_back("/p", "/main/.git/worktrees/p", "/p/.git\n", ""));
  CHECK(points_back("/m/sub", "/m/.git/modules/sub", "", "../../../sub"));
  CHECK_FALSE(points_back("/p", "/other/.git", "", ""));
  CHECK_FALSE(points_back("/p", "/other/.git", "/q/.git\n", "../"));
}

TEST_CASE("the text of a .git file", "[plan]") {
  CHECK(parse_gitfile("gitdir: ../x y\n") == "../x y");
  CHECK(parse_gitfile("something").empty());
  CHECK(resolve_path("/a/b", "../c/./d") == "/a/c/d");
  CHECK(resolve_path("/a", "/x/../../y") == "/y");
}
