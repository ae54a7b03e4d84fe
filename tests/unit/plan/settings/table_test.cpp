#include <algorithm>
#include <jailed/cli/verbs.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/plan/settings/table.hpp>
#include <set>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Settings;

namespace {

bool is_lower_with_dashes(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace

TEST_CASE("names, letters and variables of settings are each of one setting only", "[plan]") {
  std::set<std::string_view> names, variables;
  std::set<char> letters = {'h', 'V'};
  for (const auto& setting : settings_table()) {
    CAPTURE(setting.name);
    CHECK(names.insert(setting.name).second);
    CHECK(is_lower_with_dashes(setting.name));
    CHECK(find_setting(setting.name) == &setting);
    if (setting.letter != '\0') CHECK(letters.insert(setting.letter).second);
    if (!setting.variable.empty()) {
      CHECK(variables.insert(setting.variable).second);
      CHECK(setting.variable.starts_with("JAILED_"));
    }
    CHECK((setting.takes == Takes::nothing) == setting.placeholder.empty());
    CHECK((setting.standard.empty() || setting.otherwise.empty()));
    CHECK_FALSE(setting.help.empty());
    CHECK_FALSE(setting.group.empty());
  }
  CHECK(find_setting("") == nullptr);
  CHECK(find_setting("help") == nullptr);
}

TEST_CASE("a default that the table writes down is the one that a setting has", "[plan]") {
  int written = 0;
  for (const auto& setting : settings_table()) {
    if (setting.standard.empty()) continue;
    CAPTURE(setting.name);
    Settings settings;
    setting.set(settings, {std::string(setting.standard), ""});
    CHECK(settings == Settings{});
    ++written;
  }
  CHECK(written > 8);
}

TEST_CASE("a variable sets what its flag sets", "[plan]") {
  using jailed::core::Environment;
  const std::map<std::string_view, std::string> samples = {
      {"runtime", "podman"}, {"image", "x:1"},     {"user", "me"},         {"sandbox", "crun"},  {"seccomp", "default"}, {"testcontainers", "proxy"}, {"network", "none"},
      {"sync", "bind"},      {"git", "ro"},        {"allow-edit", "a/b"},  {"report", "json"},   {"config-dir", "/c"},   {"profile", "p"},
      {"cache", "none"},     {"memory", "1g"},     {"cpus", "1"},          {"pids", "100"},      {"files", "100"},       {"tmp-size", "64m"},
      {"home-size", "65m"},  {"shm-size", "66m"}};
  for (const auto& setting : settings_table()) {
    if (setting.variable.empty()) continue;
    CAPTURE(setting.name);
    REQUIRE(samples.contains(setting.name));  // a new variable wants a sample here
    const auto& value = samples.at(setting.name);
    auto by_flag = resolve_settings(jailed::test::giving({{std::string(setting.name), value}}), Environment(std::map<std::string, std::string>{{"HOME", "/h"}}));
    auto by_variable = resolve_settings(jailed::core::Invocation{}, Environment(std::map<std::string, std::string>{{"HOME", "/h"}, {std::string(setting.variable), value}}));
    CHECK(by_variable.given.at(std::string(setting.name)) == setting.variable);
    by_flag.given.clear();
    by_variable.given.clear();
    if (by_flag.runtime) by_flag.runtime->set_by = by_variable.runtime->set_by;
    if (by_flag.sandbox) by_flag.sandbox->set_by = by_variable.sandbox->set_by;
    CHECK(by_flag == by_variable);
    CHECK_FALSE(by_flag == resolve_settings(jailed::core::Invocation{}, Environment(std::map<std::string, std::string>{{"HOME", "/h"}})));
  }
}

TEST_CASE("a setting is taken by a verb, and a verb that is about jails takes those of an engine", "[plan]") {
  using jailed::cli::verbs_table;
  for (const auto& setting : settings_table()) {
    CAPTURE(setting.name);
    CHECK(std::any_of(verbs_table().begin(), verbs_table().end(), [&](const auto& row) { return setting.verbs.has(row.verb); }));
  }
  for (const auto& row : verbs_table()) {
    CAPTURE(row.name);
    CHECK(find_setting("runtime")->verbs.has(row.verb) == row.needs_settings);
    CHECK(find_setting("quiet")->verbs.has(row.verb) == row.needs_settings);
  }
}
