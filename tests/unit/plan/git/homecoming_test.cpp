#include <jailed/plan/git/homecoming.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

using Variables = std::vector<jailed::core::EnvVar>;

}  // namespace

TEST_CASE("hooks that settings name are switched off by their names", "[plan]") {
  using std::string_view_literals::operator""sv;
  CHECK(without_hooks("") == Variables{{"GIT_CONFIG_COUNT", "0"}});
  CHECK(without_hooks("hook.jobs\0hook.a.b = c.event\0hook.a.b = c.command\0hook.x.command\0other.y.z\0"sv) ==
        Variables{{"GIT_CONFIG_KEY_0", "hook.a.b = c.enabled"},
                  {"GIT_CONFIG_VALUE_0", "false"},
                  {"GIT_CONFIG_KEY_1", "hook.x.enabled"},
                  {"GIT_CONFIG_VALUE_1", "false"},
                  {"GIT_CONFIG_COUNT", "2"}});
}

TEST_CASE("more hooks than anybody has, or longer names, are refused", "[plan]") {
  std::string many;
  for (int i = 0; i <= 1000; ++i) many += "hook.n" + std::to_string(i) + ".command" + '\0';
  CHECK_FALSE(without_hooks(many));
  CHECK_FALSE(without_hooks("hook." + std::string(70000, 'x') + ".command"));
}
