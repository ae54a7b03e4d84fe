#include <jailed/core/agent.hpp>
#include <jailed/plan/jail/logins.hpp>
#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using nlohmann::json;

namespace {

constexpr auto kClaude =
    R"({"claudeAiOauth":{"accessToken":"A","refreshToken":"R","expiresAt":1},"mcpOAuth":{"x|1":{"refreshToken":"R2"},"y|2":{"accessToken":"B"}}})";
constexpr auto kCodex =
    R"({"auth_mode":"chatgpt","OPENAI_API_KEY":"sk-1","tokens":{"access_token":"A","refresh_token":"R"},"last_refresh":"2026-11-01"})";

}  // namespace

TEST_CASE("a login that renews itself by a token for one use is not copied; what has none is", "[plan]") {
  const auto claude = login_copy(kClaude, "");
  CHECK(claude.left_out);
  CHECK(json::parse(claude.text.value()) == json::parse(R"({"mcpOAuth":{"y|2":{"accessToken":"B"}}})"));

  const auto codex = login_copy(kCodex, "OPENAI_API_KEY");
  CHECK(codex.left_out);
  CHECK(json::parse(codex.text.value()) == json::parse(R"({"OPENAI_API_KEY":"sk-1"})"));

  const auto open_code = login_copy(
      R"({"anthropic":{"type":"oauth","refresh":"R","access":"A","expires":1},"openai":{"type":"api","key":"K"}})", "");
  CHECK(open_code.left_out);
  CHECK(json::parse(open_code.text.value()) == json::parse(R"({"openai":{"type":"api","key":"K"}})"));
}

TEST_CASE("nothing is copied where nothing is left", "[plan]") {
  const auto* text = GENERATE(R"({"claudeAiOauth":{"accessToken":"A","refreshToken":"R"}})",
                              R"({"refresh_token":"R","access_token":"A"})",
                              R"({"a":[{"Refresh-Token":["R"]}]})",
                              R"({"a":{"a":{}},"a":{"refresh_token":"R"}})");
  CAPTURE(text);
  const auto copy = login_copy(text, "");
  CHECK(copy.left_out);
  CHECK_FALSE(copy.text);
  const auto codex =
      login_copy(R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"refresh_token":"R"}})", "OPENAI_API_KEY");
  CHECK(codex.left_out);
  CHECK_FALSE(codex.text);
}

TEST_CASE("a login without such a token is copied whole", "[plan]") {
  const auto* text = GENERATE(R"({"claudeAiOauth":{"accessToken":"long-lived","refreshToken":null,"expiresAt":1}})",
                              R"({"claudeAiOauth":{"accessToken":"long-lived","refreshToken":""}})",
                              R"({"auth_mode":"apikey","OPENAI_API_KEY":"sk-1","tokens":null})",
                              R"({"openai":{"type":"api","key":"the refresh_token of nobody"}})");
  CAPTURE(text);
  const auto copy = login_copy(text, "OPENAI_API_KEY");
  CHECK_FALSE(copy.left_out);
  CHECK(json::parse(copy.text.value()) == json::parse(text));
}

TEST_CASE("what a jail wrote there and no agent would", "[plan]") {
  for (const auto& text : {std::string(), std::string("token"), std::string("[1]"), std::string("null"), std::string("{\"a\":\"\xff\"}"),
                                 std::string("{\"a\":"), "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"}) {
    CAPTURE(text.substr(0, 40));
    const auto copy = login_copy(text, "");
    CHECK_FALSE(copy.text);
    CHECK_FALSE(copy.left_out);
  }
}

TEST_CASE("every agent has a way to log in, and its logins are below its own directories", "[core]") {
  for (const auto& agent : jailed::core::agents()) {
    CAPTURE(agent.name);
    CHECK_FALSE(agent.log_in.empty());
    for (const auto& file : agent.logins) {
      const auto holder = file.path.substr(0, file.path.find('/'));
      bool own = false;
      for (const auto& state : agent.state) own = own || state.name == holder;
      CHECK(own);
      CHECK(file.path.find("..") == std::string_view::npos);
    }
  }
}
