#include <jailed/core/agent.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/state.hpp>

#include <algorithm>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::Cache;
using jailed::core::Settings;

TEST_CASE("jails share agents and cache unless told otherwise", "[plan]") {
  CHECK(state_paths("/c", {}, "/home/me/p") == StatePaths{"/c/agents", "/c/cache"});
}

TEST_CASE("a profile has agents of its own and the shared cache", "[plan]") {
  Settings settings;
  settings.profile = "clients";
  CHECK(state_paths("/c", settings, "/home/me/p") == StatePaths{"/c/profiles/clients/agents", "/c/cache"});
}

TEST_CASE("a project's cache has its name and belongs to its path", "[plan]") {
  Settings settings;
  settings.cache = Cache::project;
  const auto cache = state_paths("/c", settings, "/home/me/my p").cache;
  CHECK(cache == "/c/caches/my-p-19b9b723b115bb03");
  CHECK(state_paths("/c", settings, "/home/me/my p").cache == cache);
  CHECK(state_paths("/c", settings, "/home/you/my p").cache != cache);
}

TEST_CASE("without a cache nothing is mounted there", "[plan]") {
  Settings settings;
  settings.cache = Cache::none;
  const auto state = state_paths("/c", settings, "/p");
  CHECK(state.cache.empty());
  const auto binds = jail_binds({.state = state}, {}, "coder");
  for (const auto& bind : binds) CHECK(bind.target != "/home/coder/.cache");
  int in_memory = 0;
  for (const auto& mount : jail_tmpfs("coder", {}, binds)) in_memory += mount.target == "/home/coder/.cache" ? 1 : 0;
  CHECK(in_memory == 1);
}

TEST_CASE("a profile's name is one component and no option", "[plan]") {
  for (const auto* good : {"work", "a", "A.b_c-9"}) CHECK(is_profile_name(good));
  for (const auto* bad : {"", ".", "..", ".x", "-x", "a/b", "a b", "a\n", "\xc3\xa9"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_profile_name(bad));
  }
  CHECK_FALSE(is_profile_name(std::string(65, 'a')));
}
