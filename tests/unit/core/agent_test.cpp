#include <jailed/core/agent.hpp>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace jailed::core;

TEST_CASE("seven agents, each found by its name", "[core]") {
  std::vector<std::string_view> names;
  for (const auto& agent : agents()) {
    names.push_back(agent.name);
    REQUIRE(find_agent(agent.name) != nullptr);
    CHECK(find_agent(agent.name)->name == agent.name);
  }
  CHECK(names ==
        std::vector<std::string_view>{"claude", "opencode", "aider", "kimi", "gemini", "codex", "copilot"});
  CHECK(find_agent("") == nullptr);
  CHECK(find_agent("Claude") == nullptr);
  CHECK(find_agent("claud") == nullptr);
}

TEST_CASE("no two agents share a state directory, and none lies in another", "[core]") {
  std::set<std::string_view> names;
  std::vector<std::string> paths;
  for (const auto& agent : agents()) {
    CHECK_FALSE(agent.state.empty());
    CHECK_FALSE(agent.keys.empty());
    for (const auto& state : agent.state) {
      CHECK(names.insert(state.name).second);
      CHECK_FALSE(state.home_path.starts_with('/'));
      for (const auto& other : paths) {
        CHECK_FALSE((other + "/").starts_with(std::string(state.home_path) + "/"));
        CHECK_FALSE((std::string(state.home_path) + "/").starts_with(other + "/"));
      }
      paths.emplace_back(state.home_path);
    }
  }
}

TEST_CASE("an agent's home variable points into a state directory of its own, or into the cache", "[core]") {
  for (const auto& agent : agents()) {
    for (const auto& variable : agent.home_variables) {
      bool kept = variable.home_path.starts_with(".cache/");
      for (const auto& state : agent.state) kept = kept || variable.home_path == state.home_path;
      INFO(variable.name);
      CHECK(kept);
    }
  }
}

TEST_CASE("every cache variable points below the shared cache", "[core]") {
  std::set<std::string_view> names;
  for (const auto& variable : cache_variables()) {
    CHECK(variable.home_path.starts_with(".cache/"));
    names.insert(variable.name);
  }
  CHECK(names == std::set<std::string_view>{"CARGO_HOME", "GOPATH", "GOMODCACHE", "GOCACHE",
                                            "npm_config_cache", "PIP_CACHE_DIR", "UV_CACHE_DIR"});
}
