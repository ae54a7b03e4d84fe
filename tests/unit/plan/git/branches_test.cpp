#include <fmt/format.h>

#include <jailed/plan/git/branches.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

const std::string kOld(40, 'a'), kNew(40, 'b');

// The names of the branches that are made or moved.
std::vector<std::string> made(const std::vector<std::string>& branches, const GitRefs& here, const GitRefs& known = {},
                              const std::set<std::string>& checked_out = {"refs/heads/main"}) {
  std::vector<Arrival> arrivals;
  for (const auto& name : branches) arrivals.push_back({"refs/heads/" + name, "refs/jailed/0/heads/" + name, kNew});
  std::vector<std::string> names;
  for (const auto& step : plan_branches(arrivals, known, here, checked_out).steps) names.push_back(step.name.substr(11));
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("A new branch with a plain name becomes one here, beside what is there", "[plan]") {
  const GitRefs here = {{"HEAD", "ref: refs/heads/main"}, {"refs/heads/main", kOld}, {"refs/heads/feature/a", kOld}};
  CHECK(made({"fa", "fix/b-1", "feature/b", "v1.2_x"}, here) == Names{"fa", "fix/b-1", "feature/b", "v1.2_x"});
}

TEST_CASE("A new branch is not made where its name is another's, in any case, or a directory of one", "[plan]") {
  const GitRefs here = {{"refs/heads/main", kOld},  {"refs/heads/feature/a", kOld},      {"refs/heads/one", kOld},
                        {"refs/tags/v1", kOld},     {"refs/remotes/origin/other", kOld}, {"refs/remotes/up/HEAD", "ref: x"}};
  const auto* name = GENERATE("Main", "feature", "FEATURE", "Feature/b", "one/x", "One/x", "v1", "V1", "v1/x", "origin/main",
                              "origin/other", "ORIGIN/x", "up", "feature/A");
  CAPTURE(name);
  CHECK(made({name}, here).empty());
}

TEST_CASE("A new branch is not made where git would take its name for something else", "[plan]") {
  const auto* name = GENERATE("-x", "@", "HEAD", "head", "refs/heads/x", "heads/main", "tags/v1", "remotes/origin/main", "stash",
                              "ORIG_HEAD", "fetch_head", "deadbeef", "1234567", "AUTO_MERGE", "a..b", "x.lock", ".x", "a/-x",
                              "m\xd0\xb0in", "a b", "x~1", "a@{1}", "");
  CAPTURE(name);
  CHECK_FALSE(is_own_branch_name(name));
  CHECK(made({name}, {}).empty());
}

TEST_CASE("Two new branches that collide with each other are one branch", "[plan]") {
  CHECK(made({"x", "X"}, {}) == Names{"x"});
  CHECK(made({"x", "x/y"}, {}) == Names{"x"});
}

TEST_CASE("A branch that is checked out in some worktree is no step, nor one that was deleted here meanwhile", "[plan]") {
  CHECK(made({"main"}, {{"refs/heads/main", kOld}}).empty());
  CHECK(made({"gone"}, {}, {{"refs/heads/gone", kOld}}).empty());
}

TEST_CASE("A branch that is here is a step from where it is", "[plan]") {
  const std::vector<Arrival> arrivals = {{"refs/heads/x", "refs/jailed/0/heads/x", kNew}};
  const auto plan = plan_branches(arrivals, {{"refs/heads/x", kOld}}, {{"refs/heads/x", kOld}}, {});
  CHECK(plan.steps == std::vector<BranchStep>{{"refs/heads/x", kNew, kOld}});
  CHECK(plan_branches(arrivals, {}, {{"refs/heads/x", kNew}}, {}).steps.empty());
}

TEST_CASE("Tags, notes and stashes stay what they came as", "[plan]") {
  CHECK(plan_branches({{"refs/tags/v1", "refs/jailed/0/tags/v1", kNew}, {"stash/0", "refs/jailed/0/stash/0", kNew}}, {}, {}, {}) ==
        BranchPlan{});
}

TEST_CASE("Too many branches stay away, all of them, and are counted", "[plan]") {
  Names names;
  for (int i = 0; i < 64; ++i) names.push_back(fmt::format("b{}", i));
  CHECK(made(names, {}).size() == 64);
  names.emplace_back("last");
  CHECK(made(names, {}).empty());
  std::vector<Arrival> arrivals;
  for (const auto& name : names) arrivals.push_back({"refs/heads/" + name, "", kNew});
  CHECK(plan_branches(arrivals, {}, {}, {}).too_many == 65);
}
