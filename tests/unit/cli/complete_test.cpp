#include <algorithm>
#include <jailed/cli/complete.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/settings/table.hpp>

#include "catch.hpp"

using namespace jailed;
using cli::Completion;
using Also = Completion::Also;
using Words = std::vector<std::string>;

namespace {

Words candidates(const Words& line) {
  Words found;
  for (const auto& word : cli::complete(line).words) found.push_back(word.text);
  return found;
}

bool offers(const Words& line, const std::string& word) {
  const auto found = candidates(line);
  return std::count(found.begin(), found.end(), word) == 1;
}

}  // namespace

TEST_CASE("a first word is a command, an agent or a directory", "[cli]") {
  for (const auto* word : {"build", "ls", "sync", "git", "claude", "login"}) CHECK(offers({""}, word));
  for (const auto* word : {"print-tables", "complete", "AGENT", "sync status", ""}) CHECK_FALSE(offers({""}, word));
  CHECK(cli::complete({""}).also == Also::directories);
  CHECK(candidates({}) == candidates({""}));
}

TEST_CASE("flags are those of the command", "[cli]") {
  CHECK(offers({"build", "--"}, "--toolchains"));
  CHECK_FALSE(offers({"build", "--"}, "--memory"));
  CHECK(offers({"--"}, "--memory"));
  CHECK(offers({"claude", "-"}, "--prompt"));
  CHECK_FALSE(offers({"-"}, "--prompt"));
  CHECK(offers({"sync", "flush", "--"}, "--quiet"));
}

TEST_CASE("behind a flag its values stand, also behind its =", "[cli]") {
  CHECK(candidates({"--git", ""}) == Words{"shadow", "rw", "ro", "none"});
  CHECK(candidates({"--git=r"}) == Words{"--git=shadow", "--git=rw", "--git=ro", "--git=none"});
  CHECK(candidates({"--testcontainers=p"}).size() == 3);
  CHECK(cli::complete({"--testcontainers", ""}).also == Also::directories);  // it may stand alone
  CHECK(cli::complete({"--config-dir", ""}).also == Also::directories);
  CHECK(cli::complete({"--log-file", ""}).also == Also::files);
  CHECK(cli::complete({"--memory", ""}).words.empty());
  CHECK(candidates({"--nonsense=x"}).empty());
}

TEST_CASE("words of commands", "[cli]") {
  CHECK(candidates({"sync", ""}) == Words{"status", "flush", "recover"});
  CHECK(cli::complete({"sync", "flush", ""}).also == Also::jails);
  CHECK(candidates({"git", ""}) == Words{"import", "log", "drop"});
  CHECK(candidates({"git", "import", ""}).empty());
  CHECK(cli::complete({"stop", "one", ""}).also == Also::jails);
  CHECK(cli::complete({"shell", "-q", ""}).also == Also::jails);
  CHECK(cli::complete({"shell", "one", ""}).also == Also::nothing);
  CHECK(cli::complete({"claude", "--memory", "1g", ""}).also == Also::directories);
  CHECK(candidates({"completion", ""}) == Words{"bash", "zsh", "fish"});
  CHECK(offers({"login", ""}, "codex"));
  CHECK(offers({"help", ""}, "build"));
  CHECK(candidates({"ls", ""}).empty());
}

TEST_CASE("behind -- the command's own words stand", "[cli]") {
  CHECK(cli::complete({".", "--", "--mem"}).words.empty());
  CHECK(cli::complete({".", "--", ""}).also == Also::files);
}

TEST_CASE("words that mean nothing are no trouble", "[cli]") {
  for (const Words& line : {Words{"nonsense", ""}, {"--", ""}, {"-", ""}, {"--git"}, {"=", "="}, {"sync", "x", ""}, {"sync", "-q", ""}, Words(500, "--git")})
    CHECK_NOTHROW(cli::complete(line));
}

TEST_CASE("the choices of a setting are values that it takes", "[cli]") {
  for (const auto& setting : plan::settings_table()) {
    for (const auto word : core::words(setting.choices)) {
      CAPTURE(setting.name, word);
      core::Settings settings;
      CHECK_NOTHROW(setting.set(settings, {std::string(word), "--x"}));
    }
    core::Settings settings;
    const bool any = setting.choices.empty() || setting.name == "runtime" || setting.name == "sandbox";
    if (!any) CHECK_THROWS_AS(setting.set(settings, {"nonsense", "--x"}), core::UsageError);
  }
}
