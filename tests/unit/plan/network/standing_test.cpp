#include <jailed/core/error.hpp>
#include <jailed/plan/network/standing.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

const std::string kFile = "network.json";

StandingRules rules_of(std::string_view text, const std::string& project) { return standing_rules(text, project, kFile); }

}  // namespace

TEST_CASE("standing rules are everybody's and a project's", "[plan]") {
  const auto* text = R"({"allow": ["all.example"], "projects": {"/app": {"allow": ["*.app.example"], "deny": ["x.app.example"]}}})";
  CHECK(rules_of(text, "/app") == StandingRules{{{"all.example", false, 443}, {"app.example", true, 443}}, {{"x.app.example", false, 443}}});
  CHECK(rules_of(text, "/app2").allow.size() == 1);
  CHECK(rules_of("", "/app") == StandingRules{});
}

TEST_CASE("a file of rules that cannot be read is said, and never written over", "[plan]") {
  const auto bad = GENERATE(as<std::string>{}, "{", "[]", R"({"allow": "a.example"})", R"({"deny": [1]})", R"({"deny": ["a b"]})", R"({"projects": []})",
                            R"({"projects": {"/app": []}})");
  INFO(bad);
  CHECK_THROWS_AS(rules_of(bad, "/app"), jailed::core::Error);
  CHECK_THROWS_AS(with_standing_rule(bad, "/app", RuleChange::allow, {"b.example"}, kFile), jailed::core::Error);
}

TEST_CASE("a rule takes the place of its opposite", "[plan]") {
  auto text = with_standing_rule("", "/app", RuleChange::allow, {"a.example"}, kFile);
  CHECK(rules_of(text, "/app") == StandingRules{{{"a.example"}}, {}});
  CHECK(rules_of(text, "/other") == StandingRules{});
  text = with_standing_rule(text, "/app", RuleChange::deny, {"a.example"}, kFile);
  CHECK(rules_of(text, "/app") == StandingRules{{}, {{"a.example"}}});
  text = with_standing_rule(text, "", RuleChange::allow, {"b.example", true}, kFile);
  text = with_standing_rule(text, "", RuleChange::allow, {"b.example", true}, kFile);
  CHECK(rules_of(text, "/other") == StandingRules{{{"b.example", true}}, {}});
}
