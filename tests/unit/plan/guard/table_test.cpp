#include <jailed/plan/guard/table.hpp>
#include <set>

#include "support.hpp"
#include "catch.hpp"

using namespace jailed::plan;
using jailed::test::message_of;

TEST_CASE("every line of the table can be read and can be met", "[plan]") {
  const auto& table = host_table();
  CHECK(table.size() > 150);
  const HostIndex index(table);
  std::set<std::string> globs;
  for (const auto& entry : table) {
    INFO(entry.glob);
    CHECK(globs.insert(entry.glob).second);
    CHECK(entry.source.starts_with("https://"));
    if (entry.glob.starts_with('(')) continue;
    // A path that the glob means: characters for wildcards, a file for what is below.
    std::string path;
    for (std::size_t i = 0; i < entry.glob.size(); ++i) {
      if (entry.glob[i] == '[') {
        path += entry.glob[i + 1];
        i = entry.glob.find(']', i);
      } else {
        path += entry.glob[i] == '*' ? 'x' : entry.glob[i];
      }
    }
    const auto tree = entry.glob.find("/**");
    if (tree == std::string::npos) {
      REQUIRE(index.file("some/where/" + path) != nullptr);
      CHECK(index.may_be_file(path.substr(path.rfind('/') + 1)));
      CHECK_FALSE(graver(entry, *index.file("some/where/" + path)));
    } else {
      const auto directory = path.substr(0, tree);
      REQUIRE(index.tree("some/where/" + directory) != nullptr);
      CHECK(index.may_be_tree(directory.substr(directory.rfind('/') + 1)));
    }
  }
}

TEST_CASE("what the table must guard, it guards", "[plan]") {
  const HostIndex index(host_table());
  for (const auto* path :
       {".git", ".envrc", ".vscode/tasks.json", ".claude/settings.json", ".mcp.json",
        ".claude/settings.local.json", "a/b/.envrc", ".gemini/settings.json", "opencode.json"}) {
    INFO(path);
    REQUIRE(index.file(path) != nullptr);
    CHECK(index.file(path)->guarded());
  }
  CHECK(index.tree(".opencode/plugins")->guarded());
  for (const auto* path : {"Makefile", "a/package.json", "AGENTS.md", ".github/workflows", "x/build.rs"}) {
    INFO(path);
    const auto* entry = index.file(path) != nullptr ? index.file(path) : index.tree(path);
    REQUIRE(entry != nullptr);
    CHECK_FALSE(entry->guarded());
  }
  for (const auto* path : {"envrc", ".envrcx", "tasks.json", "src/main.c", "settings.json", "my.gitx"}) {
    INFO(path);
    CHECK(index.file(path) == nullptr);
  }
  CHECK(is_bulk(*index.tree("a/node_modules")));
  CHECK_FALSE(is_bulk(*index.tree(".idea")));
}

TEST_CASE("a path is found as itself, whatever its names hold", "[plan]") {
  for (const std::string path : {"a", "a/b c", "en[dev]", "conf[1].sh", "*", "a/**", "**/b", "[", "]", "[[]", "a?b", "[*", "x/[a-z]*.sh"}) {
    INFO(path);
    const auto glob = literal_glob(path);
    CHECK(path_of_literal(glob) == path);
    CHECK(glob_matches(glob, path));
    for (const auto* other : {"a/x", "end", "conf1.sh", "x", "a/b/c", "axb", "x/abc.sh"}) CHECK((path == other || !glob_matches(glob, other)));
    const std::vector<HostEntry> entries = {{glob, "t", "w", Trigger::automatic, Severity::critical, "s"}};
    const HostIndex index(entries);
    CHECK(index.may_be_file(path.substr(path.rfind('/') + 1)));
    CHECK(index.file(path) == &entries.front());
  }
}

TEST_CASE("a pattern of many stars takes no time", "[plan]") {
  std::string stars;
  for (int i = 0; i < 100; ++i) stars += "*a";
  CHECK_FALSE(glob_matches(stars + "b", std::string(250, 'a')));
  CHECK(glob_matches(stars + "*", std::string(250, 'a')));
  CHECK(glob_matches("*ab*ba*", "xabyabba"));
  CHECK_FALSE(glob_matches("*ab*ba", "abba0"));
}

TEST_CASE("globs", "[plan]") {
  CHECK(glob_matches(".envrc", ".envrc"));
  CHECK(glob_matches(".envrc", "a/b/.envrc"));
  CHECK_FALSE(glob_matches("/.envrc", "a/.envrc"));
  CHECK(glob_matches("/.envrc", ".envrc"));
  CHECK(glob_matches("a/*/c", "x/a/b/c"));
  CHECK_FALSE(glob_matches("a/*/c", "a/b/b/c"));
  CHECK(glob_matches("a/**/c", "a/b/b/c"));
  CHECK(glob_matches("a/**/c", "a/c"));
  CHECK(glob_matches("a/**", "a/b/c"));
  CHECK_FALSE(glob_matches("a/**", "a"));
  CHECK(glob_matches("**", "a"));
  CHECK(glob_matches("settings*.json", "settings.local.json"));
  CHECK(glob_matches("[Mm]akefile", "Makefile"));
  CHECK_FALSE(glob_matches("[Mm]akefile", "akefile"));
  CHECK(glob_matches("a?c", "abc"));
  CHECK_FALSE(glob_matches("a?c", "ac"));
  CHECK_FALSE(glob_matches("*", ""));
  CHECK_FALSE(glob_matches("", "a"));
}

TEST_CASE("a damaged line of the table is named", "[plan]") {
  CHECK(message_of([] { parse_host_table("# x\n\na | b | c | sometimes | high | d\n"); }) ==
        "Line 3 of the table of what the host runs: an unknown trigger.");
  CHECK(message_of([] { parse_host_table("a | b | c | action | bad | d\n"); }).find("severity") !=
        std::string::npos);
  CHECK(message_of([] { parse_host_table("a | b | c\n"); }).find("six columns") != std::string::npos);
  CHECK(message_of([] { parse_host_table("a |  | c | action | high | d\n"); }).find("empty") !=
        std::string::npos);
}
