#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/plan/jail/agent_call.hpp>
#include <jailed/plan/jail/logins.hpp>

#include "catch.hpp"

using namespace jailed;
using Words = std::vector<std::string>;

TEST_CASE("an agent without any switches is its name and what the user adds", "[plan]") {
  const core::Agent bare{.name = "bare", .title = {}, .package = {}, .state = {}, .home_variables = {}, .start = {}, .log_in = {}, .logins = {}, .keys = {}};
  CHECK(plan::agent_command(bare, {.arguments = {"--x"}}) == Words{"bare", "--x"});
  CHECK(plan::agent_command(bare, {.prompt = "--y", .arguments = {"--x"}}) == Words{"bare", "--x", "--", "--y"});
}

TEST_CASE("every agent has a way to ask no questions, to go on and to do one thing", "[plan]") {
  for (const auto& agent : core::agents()) {
    CAPTURE(agent.name);
    CHECK_FALSE(agent.start.no_questions.empty());
    CHECK_FALSE(agent.start.resume.empty());
    CHECK((!agent.start.prompt_option.empty() || !agent.start.headless.empty()));
    CHECK(plan::agent_command(agent, {.ask = true}) == Words{std::string(agent.name)});
  }
}

TEST_CASE("the agents of an image are those of ours with a plain version", "[plan]") {
  using Versions = std::map<std::string, std::string>;
  CHECK(plan::parse_image_agents("claude=2.1.330 aider=0.86.2+local\n") == Versions{{"claude", "2.1.330"}, {"aider", "0.86.2+local"}});
  const auto* bad = GENERATE("", "<no value>", "claude", "claude=", "=1", "other=1", "claude=\x1b[31m", "claude==1", "claude=a/b");
  CAPTURE(bad);
  CHECK(plan::parse_image_agents(bad).empty());
  CHECK(plan::parse_image_agents("claude=" + std::string(65, '1')).empty());
}

TEST_CASE("a login file holds a login when there is a value in it", "[plan]") {
  CHECK(plan::holds_login(R"({"a": {"token": "x"}})"));
  CHECK(plan::holds_login("github.com:\n    oauth_token: x\n"));
  const auto* none = GENERATE("", " \n", "{}", "[]", "null", R"({"a": null, "b": {}, "c": ""})", "{not json");
  CAPTURE(none);
  CHECK_FALSE(plan::holds_login(none));
}
