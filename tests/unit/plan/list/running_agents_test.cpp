#include <jailed/plan/list/running_agents.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::ProcessEntry;

namespace {

using Names = std::vector<std::string>;

const std::string kId(64, 'c');
const std::string kCgroup = "0::/system.slice/docker-" + kId + ".scope\n";
const Names kInit = {"/usr/libexec/jailed/init", "zsh", "-l"};

}  // namespace

TEST_CASE("agents are found by the container's cgroup", "[plan]") {
  CHECK(agents_in(kId, {{10, 1, kInit, kCgroup},
                        {11, 10, {"node", "--no-warnings", "/usr/local/bin/gemini"}, kCgroup},
                        {12, 10, {"/opt/agents/aider/bin/python", "/opt/agents/aider/bin/aider"}, kCgroup},
                        {13, 10, {"claude"}, kCgroup},
                        {14, 10, {"claude", "--again"}, kCgroup},
                        {15, 10, {}, kCgroup},
                        {20, 1, {"codex"}, "0::/user.slice\n"}}) == Names{"claude", "aider", "gemini"});
}

TEST_CASE("and without cgroups by what serves the container", "[plan]") {
  // Children before parents, and a second conmon for what was entered later.
  CHECK(agents_in(kId, {{13, 12, {"/usr/local/bin/codex"}, ""},
                        {12, 11, {"zsh"}, ""},
                        {11, 10, kInit, ""},
                        {10, 1, {"/usr/bin/conmon", "-c", kId}, ""},
                        {31, 30, {"kimi"}, ""},
                        {30, 1, {"/usr/bin/conmon", "-c", kId, "-u", "x"}, ""},
                        {40, 1, {"/usr/bin/conmon", "-c", std::string(64, 'd')}, ""},
                        {41, 40, {"claude"}, ""}}) == Names{"kimi", "codex"});
}

TEST_CASE("a jail without agents has none; one whose processes are not to be seen cannot be told of", "[plan]") {
  CHECK(agents_in(kId, {{10, 1, kInit, kCgroup}, {11, 10, {"vim", "claude"}, kCgroup}}) == Names{});
  CHECK_FALSE(agents_in(kId, {}));
  CHECK_FALSE(agents_in(kId, {{10, 1, {"runsc-sandbox", kId}, ""}, {11, 10, {"exe"}, ""}}));
  CHECK_FALSE(agents_in("", {{10, 1, kInit, ""}}));
  CHECK_FALSE(agents_in(kId, {{10, 1, kInit, kCgroup}, {11, 10, {}, kCgroup, true}}));
  CHECK(agents_in(kId, {{10, 1, kInit, kCgroup}, {20, 1, {}, "0::/user.slice\n", true}}) == Names{});
}
