#include <jailed/core/error.hpp>
#include <jailed/plan/sync/settings.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

std::string refusal(std::string_view text) {
  try {
    parse_sync_settings("/c/sync.json", text);
    return {};
  } catch (const core::UsageError& error) {
    CHECK(error.next_step() == R"(an example: {"ignore": ["/dist", "*.log"]})");
    return error.what();
  }
}

}  // namespace

TEST_CASE("sync.json names what is left out", "[plan]") {
  CHECK(parse_sync_settings("f", R"({"ignore": ["/dist", "*.log", "!keep.log"]})").ignores ==
        std::vector<std::string>{"/dist", "*.log", "!keep.log"});
  CHECK(parse_sync_settings("f", "{}").ignores.empty());
  CHECK(parse_sync_settings("f", R"({"ignore": []})").ignores.empty());
}

TEST_CASE("what is wrong in sync.json is said in a line", "[plan]") {
  CHECK(refusal("") == "/c/sync.json: not JSON, line 1.");
  CHECK(refusal("{\n\"ignore\": [\n\"a\",\n]}") == "/c/sync.json: not JSON, line 4.");
  CHECK(refusal("[]") == "/c/sync.json: must be a JSON object.");
  CHECK(refusal("\"/dist\"") == "/c/sync.json: must be a JSON object.");
  CHECK(refusal(R"({"ignores": []})") == "/c/sync.json: unknown key 'ignores', it knows: ignore.");
  CHECK(refusal("{\"a\\u001b\": 1}") == "/c/sync.json: unknown key 'a\\033', it knows: ignore.");
  CHECK(refusal(R"({"ignore": "/dist"})") == "/c/sync.json: 'ignore' must be a list of patterns.");
  CHECK(refusal(R"({"ignore": {"a": "b"}})") == "/c/sync.json: 'ignore' must be a list of patterns.");
  CHECK(refusal(R"({"ignore": ["a", 3]})") == "/c/sync.json: 'ignore' must be a list of patterns in quotes.");
  CHECK(refusal(R"({"ignore": [""]})") == "/c/sync.json: 'ignore' has an empty or broken pattern.");
  CHECK(refusal(R"({"ignore": ["a\u0000b"]})") == "/c/sync.json: 'ignore' has an empty or broken pattern.");
}

TEST_CASE("files in directories that are made anew are counted by the directory's name", "[plan]") {
  RebuiltFiles rebuilt;
  for (const auto* path : {"Cargo.toml", "a", "node_modules/x", "node_modules/y/z", "node_modules_of_mine", "sub/node_modules/q",
                           "sub/target/source", "target/debug/one", "target/debug/node_modules/two", "zz"}) {
    // Every directory comes before what is in it.
    const std::string whole = path;
    for (auto slash = whole.find('/'); slash != std::string::npos; slash = whole.find('/', slash + 1))
      rebuilt.see(whole.substr(0, slash), true);
    rebuilt.see(whole, false);
  }
  const std::map<std::string, RebuiltFiles::Directory> expected = {{"node_modules", {3, true}}, {"target", {2, false}}};
  CHECK(rebuilt.by_name() == expected);
}

TEST_CASE("a slow tree is told with the line to write", "[plan]") {
  CHECK_FALSE(is_slow_tree(19'999, 4.9));
  CHECK(is_slow_tree(20'000, 0));
  CHECK(is_slow_tree(0, 5));
  RebuiltFiles rebuilt;
  rebuilt.see("node_modules", true);
  for (int i = 0; i < 1000; ++i) rebuilt.see("node_modules/" + std::to_string(i), false);
  rebuilt.see("web/.venv", true);
  for (int i = 0; i < 999; ++i) rebuilt.see("web/.venv/" + std::to_string(i), false);
  const auto note = slow_tree_note(30'000, rebuilt, {{"*.log"}}, "/c/sync.json");
  REQUIRE(note);
  CHECK(note->message == "The project has 30000 files: 1000 in node_modules. A jail that builds these itself starts quicker without them.");
  CHECK(note->next_step == R"(in /c/sync.json: {"ignore":["*.log","/node_modules"]})");
  CHECK_FALSE(slow_tree_note(30'000, rebuilt, {{"node_modules"}}, "f"));
  rebuilt.see("web/.venv/one more", false);
  CHECK(slow_tree_note(30'000, rebuilt, {{"/node_modules"}}, "f")->next_step == R"(in f: {"ignore":["/node_modules",".venv"]})");
}
