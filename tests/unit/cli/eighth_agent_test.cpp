// An agent is a row of the table and a layer of the image: a row that is added here is an agent everywhere.
#include <algorithm>
#include <jailed/cli/parse.hpp>
#include <jailed/cli/print_tables.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/list/running_agents.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/parsers.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/work/launch/places.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "support.hpp"

namespace jailed::core {
std::vector<Agent>& agent_table();
}  // namespace jailed::core

using namespace jailed;

namespace {

using Words = std::vector<std::string>;

// As long as it lives.
struct Eighth {
  Eighth() {
    core::agent_table().push_back({.name = "eighth",
                                   .title = "The Eighth",
                                   .package = "@eighth/cli",
                                   .state = {{"eighth", ".eighth"}},
                                   .home_variables = {{"EIGHTH_HOME", ".eighth"}},
                                   .log_in = "eighth login",
                                   .logins = {{.path = "eighth/auth.json"}},
                                   .keys = {"EIGHTH_API_KEY"}});
  }
  ~Eighth() { core::agent_table().pop_back(); }
  Eighth(const Eighth&) = delete;
  Eighth& operator=(const Eighth&) = delete;
};

core::Settings settings_for(std::initializer_list<std::pair<std::string, std::string>> given) {
  return plan::resolve_settings(test::giving(given), core::Environment(std::map<std::string, std::string>{{"HOME", "/h"}}));
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Where the eighth is to be seen.
using Seen = std::set<std::string>;

Seen look() {
  const auto binds = plan::jail_binds({.session = "/s", .state = {.agents = "/c/agents", .cache = "/c/cache"}}, {{"/p", "/workspace", false}}, "coder");
  const auto environment = plan::jail_environment(
      settings_for({}), core::Environment(std::map<std::string, std::string>{{"HOME", "/h"}, {"EIGHTH_API_KEY", "k"}}), "UTC");
  const std::string container(64, 'c');
  const auto running =
      plan::agents_in(container, {{10, 1, {"/usr/libexec/jailed/init"}, "0::/docker-" + container + ".scope\n"}, {11, 10, {"eighth"}, "0::/docker-" + container + ".scope\n"}});
  const auto rows = nlohmann::json::parse(cli::tables_json()).at("agents");
  Seen seen;
  const auto note = [&](const char* where, bool is_there) {
    if (is_there) seen.insert(where);
  };
  note("overview", has(cli::help_text(""), "copilot eighth\n"));
  note("help of build", has(cli::help_text("build"), "copilot,eighth, or none"));
  note("tables", rows.back().at("name") == "eighth");
  note("mounts", std::any_of(binds.begin(), binds.end(), [](const auto& bind) {
         return bind.source == "/c/agents/eighth" && bind.target == "/home/coder/.eighth";
       }));
  note("variables", std::find(environment.constants.begin(), environment.constants.end(),
                              core::EnvVar{"EIGHTH_HOME", "/home/coder/.eighth"}) != environment.constants.end());
  note("verb", cli::parse({"eighth", "."}).agent == "eighth");
  note("keys", std::find(environment.names.begin(), environment.names.end(), "EIGHTH_API_KEY") != environment.names.end());
  note("running", running == Words{"eighth"});
  return seen;
}

}  // namespace

TEST_CASE("an eighth agent is one row", "[cli]") {
  CHECK(look().empty());
  const Eighth eighth;
  CHECK(look() == Seen{"overview", "help of build", "tables", "mounts", "variables", "keys", "running", "verb"});
}

TEST_CASE("an eighth agent is chosen for an image by name, with its layer and the version of its lock", "[cli]") {
  constexpr auto dockerfile = "FROM x\n# when eighth\nRUN install/agent eighth\n# end\n";
  const plan::ContextFile lock[] = {{"agents/eighth/package.json", R"({"dependencies": {"@eighth/cli": "1.2.3"}})"}};
  CHECK(test::error_of([] { settings_for({{"agents", "eighth"}}); }).has_value());
  CHECK(plan::locked_versions(lock).empty());
  const Eighth eighth;
  CHECK(plan::resolve_build(settings_for({})).agents.back() == "eighth");
  const auto request = plan::resolve_build(settings_for({{"agents", "eighth"}}));
  CHECK(request.agents == Words{"eighth"});
  CHECK(has(plan::dockerfile_for(request, dockerfile), "RUN install/agent eighth"));
  CHECK_FALSE(has(plan::dockerfile_for(plan::resolve_build(settings_for({{"agents", "claude"}})), dockerfile), "eighth"));
  CHECK(plan::locked_versions(lock) == std::map<std::string, std::string>{{"eighth", "1.2.3"}});
  CHECK(plan::parse_version_line("jailed-version eighth 1.2.3 1.3.0").has_value());
}

TEST_CASE("an eighth agent keeps its state, and its login goes into a profile", "[cli]") {
  const Eighth eighth;
  const test::Scratch config;
  host::make_private_directories(config / "agents/eighth");
  host::write_new_file(config / "agents/eighth/auth.json", R"({"key":"k"})", 0600);
  auto settings = settings_for({{"profile", "other"}, {"copy-logins", "true"}});
  work::make_config_tree(config.path(), settings, "/p");
  CHECK(host::read_file(config / "profiles/other/agents/eighth/auth.json") == R"({"key":"k"})");
}
