#include <jailed/cli/parse.hpp>

#include "catch.hpp"
#include "support.hpp"

using jailed::cli::help_text;
using jailed::cli::parse;
using jailed::cli::verb_meant;
using jailed::core::UsageError;
using jailed::core::Verb;
using jailed::test::error_of;
using jailed::test::given_to;

namespace {

using Words = std::vector<std::string>;

std::optional<jailed::core::Error> refusal(const Words& words) {
  return error_of([&] { parse(words); });
}

}  // namespace

TEST_CASE("no words: a jail for the current directory", "[cli]") {
  const auto invocation = parse({});
  CHECK(invocation.verb == Verb::launch);
  CHECK(invocation.words.empty());
  CHECK(invocation.command.empty());
  CHECK(invocation.given.empty());
}

TEST_CASE("every option of a launch, before and after the path", "[cli]") {
  const Words options = {"--runtime",  "podman",      "--image=i:1", "--user", "me",        "--config-dir",
                         "/c",         "--sync=bind", "-e",          "A=b",    "--env",     "C",
                         "--memory",   "1g",          "--cpus",      "2",      "--pids",    "99",
                         "--log-file", "/l",          "-q",          "-v",     "--dry-run", "--no-agent-env"};
  const bool path_first = GENERATE(true, false);
  auto words = options;
  words.insert(path_first ? words.begin() : words.end(), "some/path");
  const auto invocation = parse(words);
  CHECK(invocation.verb == Verb::launch);
  CHECK(invocation.words == Words{"some/path"});
  CHECK(invocation.command.empty());
  const auto one = [&](const std::string& setting) { return given_to(invocation, setting); };
  CHECK(one("runtime") == Words{"podman"});
  CHECK(one("image") == Words{"i:1"});
  CHECK(one("user") == Words{"me"});
  CHECK(one("config-dir") == Words{"/c"});
  CHECK(one("sync") == Words{"bind"});
  CHECK(one("env") == Words{"A=b", "C"});
  CHECK(one("memory") == Words{"1g"});
  CHECK(one("cpus") == Words{"2"});
  CHECK(one("pids") == Words{"99"});
  CHECK(one("log-file") == Words{"/l"});
  for (const auto* flag : {"quiet", "verbose", "dry-run", "no-agent-env"}) CHECK(one(flag) == Words{"true"});
  CHECK(one("git").empty());
}

TEST_CASE("what follows -- is the command's, untouched", "[cli]") {
  const Words command = GENERATE(Words{"claude"}, Words{"sh", "-c", "x"}, Words{"--help"},
                                 Words{"-v", "--", "--version"}, Words{"", " ", "build"}, Words{});
  Words words = {".", "--"};
  words.insert(words.end(), command.begin(), command.end());
  const auto invocation = parse(words);
  CHECK(invocation.verb == Verb::launch);
  CHECK(invocation.words == Words{"."});
  CHECK(invocation.command == command);
  CHECK(parse({"--", "build"}).command == Words{"build"});
  CHECK(parse({"--", "build"}).verb == Verb::launch);
}

TEST_CASE("a path is taken as it is", "[cli]") {
  const std::string path = GENERATE("./build", "./-x", "[id]", "[a,b]", "{x}", "a b", "a=b", "a,b", "'q'",
                                    "\"q\"", "a\nb", "%", "caf\xe9", "+x", "/", "..");
  CAPTURE(path);
  CHECK(parse({path}).words == Words{path});
  CHECK(parse({"-q", path}).words == Words{path});
}

TEST_CASE("an option's value is taken as it is", "[cli]") {
  for (const std::string value :
       {"A=[x,y]", "A={x}", "A=a b", "A=\"q\"", "A='q'", "A=x,y", "A=", "A=--flag", "A=a\nb", "A=\xe9"}) {
    CAPTURE(value);
    CHECK(given_to(parse({"--env", value}), "env") == Words{value});
    CHECK(given_to(parse({"--env=" + value}), "env") == Words{value});
    CHECK(given_to(parse({"-e", value, "."}), "env") == Words{value});
    CHECK(parse({"-e", value, "."}).words == Words{"."});
  }
  CHECK(given_to(parse({"--config-dir", "[c]"}), "config-dir") == Words{"[c]"});
  CHECK(given_to(parse({"--env", "A=1", "--env", "A=2"}), "env") == Words{"A=1", "A=2"});
}

TEST_CASE("build and its options", "[cli]") {
  const auto invocation = parse({"build", "--name", "me", "--base", "b:1", "--agents", "claude,codex",
                                 "--toolchains=none", "--ca-cert", "/ca", "--update", "--no-cache", "--pull",
                                 "--image", "i", "--runtime", "docker", "--dry-run"});
  CHECK(invocation.verb == Verb::build);
  const auto one = [&](const std::string& setting) { return given_to(invocation, setting); };
  CHECK(one("name") == Words{"me"});
  CHECK(one("base") == Words{"b:1"});
  CHECK(one("agents") == Words{"claude,codex"});
  CHECK(one("toolchains") == Words{"none"});
  CHECK(one("ca-cert") == Words{"/ca"});
  for (const auto* flag : {"update", "no-cache", "pull", "dry-run"}) CHECK(one(flag) == Words{"true"});
  CHECK(one("image") == Words{"i"});
  CHECK(one("runtime") == Words{"docker"});
}

TEST_CASE("version and help, as words and as flags", "[cli]") {
  CHECK(parse({"version"}).verb == Verb::version);
  CHECK(parse({"--version"}).verb == Verb::version);
  CHECK(parse({"-V"}).verb == Verb::version);
  for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"help"}, Words{"help", "--help"}, Words{"--help", "--version"}}) {
    CHECK(parse(words).verb == Verb::help);
    CHECK(parse(words).words.empty());
  }
  for (const Words& words : {Words{"build", "--help"}, Words{"help", "build"}, Words{"build", "-h", "--pull"}}) {
    CHECK(parse(words).verb == Verb::help);
    CHECK(parse(words).words == Words{"build"});
  }
  CHECK(parse({"sync", "flush", "--help"}).words == Words{"sync flush"});
  CHECK(help_text("").starts_with("jailed: AI coding agents in a container that cannot hurt your machine.\n"));
  CHECK(help_text("help") == help_text(""));
  CHECK(help_text("build").starts_with("Build the image from the context inside jailed"));
}

TEST_CASE("help names every option", "[cli]") {
  const auto help = help_text("");
  for (const std::string option :
       {"--runtime", "--image", "--user", "--config-dir", "--sync", "--env", "--no-agent-env", "--memory",
        "--cpus", "--pids", "--quiet", "--verbose", "--log-file", "--dry-run", "--version", "--help"}) {
    CAPTURE(option);
    CHECK(help.find(option) != std::string::npos);
  }
}

TEST_CASE("an unknown option is named, with the nearest known one", "[cli]") {
  CHECK(refusal({"--dryrun"}) == UsageError("Unknown option '--dryrun'.", "did you mean --dry-run?"));
  CHECK(refusal({".", "--imagee=x"}) == UsageError("Unknown option '--imagee'.", "did you mean --image?"));
  CHECK(refusal({"--frobnicate"}) == UsageError("Unknown option '--frobnicate'.", "see: jailed --help"));
  CHECK(refusal({"-x"}) == UsageError("Unknown option '-x'.", "see: jailed --help"));
  CHECK(refusal({"build", "--agent", "x"}) ==
        UsageError("Unknown option '--agent'.", "did you mean --agents?"));
  CHECK(refusal({"build", "--frobnicate"}) ==
        UsageError("Unknown option '--frobnicate'.", "see: jailed build --help"));
  CHECK(refusal({"--\x1b[31m"}) == UsageError("Unknown option '--\\033[31m'.", "see: jailed --help"));
}

TEST_CASE("a value that belongs to an unknown option is not shown", "[cli]") {
  for (const Words& words : {Words{"--envv=SECRET=hunter2"}, Words{"--envv", "SECRET=hunter2"},
                             Words{".", "--envv", "SECRET=hunter2"}})
    CHECK(refusal(words) == UsageError("Unknown option '--envv'.", "did you mean --env?"));
}

TEST_CASE("words behind the first project are further ones", "[cli]") {
  const auto several = parse({"web", "--memory", "4g", "api", "-d", "../lib", "--", "ls", "x"});
  CHECK(several.words == Words{"web", "api", "../lib"});
  CHECK(several.command == Words{"ls", "x"});
  CHECK(parse({"attach", "jail", "../api"}).words == Words{"jail", "../api"});
  CHECK(parse({"detach", "api"}).verb == Verb::detach);
}

TEST_CASE("a verb of two words, the first of which means something alone", "[cli]") {
  CHECK(parse({"sync"}).verb == Verb::sync_status);
  CHECK(parse({"sync", "--quiet"}).verb == Verb::sync_status);
  CHECK(parse({"sync", "recover", "web"}).verb == Verb::sync_recover);
  CHECK(parse({"sync", "recover", "web"}).words == Words{"web"});
  CHECK(refusal({"sync", "now"}) == UsageError("jailed sync cannot 'now'.", "it knows: status, flush, recover"));
}

TEST_CASE("a flag with a value or without one, and one that is taken back", "[cli]") {
  CHECK(given_to(parse({"--testcontainers"}), "testcontainers") == Words{"true"});
  CHECK(given_to(parse({"--testcontainers=proxy", "."}), "testcontainers") == Words{"proxy"});
  CHECK(given_to(parse({"--quiet=false"}), "quiet") == Words{"false"});
}

TEST_CASE("a word too many, and a command without --", "[cli]") {
  CHECK(refusal({"exec", "a", "b", "--", "c"}) == UsageError("One argument too many: 'b'.", "see: jailed exec --help"));
  CHECK(refusal({"build", "--", "x"}) ==
        UsageError("Only a jail takes a command after --.", "jailed [PATH] -- COMMAND"));
  CHECK(refusal({"help", "bild"}) == UsageError("No command 'bild'.", "did you mean build?"));
  CHECK(refusal({"help", "frobnicate"}) == UsageError("No command 'frobnicate'.", "see: jailed help"));
}

TEST_CASE("a word too many for build or version says how those are used", "[cli]") {
  CHECK(refusal({"build", "."}) == UsageError("One argument too many: '.'.", "see: jailed build --help"));
  CHECK(refusal({"version", "x"}) == UsageError("One argument too many: 'x'.", "see: jailed version --help"));
}

TEST_CASE("an option without its value is wrong usage", "[cli]") {
  for (const std::string option : {"--runtime", "--image", "--user", "--config-dir", "--sync", "--env",
                                   "--memory", "--cpus", "--pids", "--log-file"}) {
    CAPTURE(option);
    const auto error = refusal({option});
    REQUIRE(error);
    CHECK(error->exit_code() == 2);
    CHECK(std::string(error->what()).find(option) != std::string::npos);
    CHECK(error->next_step() == "see: jailed --help");
  }
}

TEST_CASE("two values for one option are an error that names it", "[cli]") {
  const auto error = refusal({"--memory", "1g", "--memory", "2g"});
  REQUIRE(error);
  CHECK(error->exit_code() == 2);
  CHECK(std::string(error->what()).find("--memory") != std::string::npos);
}

TEST_CASE("a parser's message never prints what a terminal would obey", "[cli]") {
  for (const Words& words : {Words{"--quiet=\x1b[31m"}, Words{"--dry-run=\x1b[2J"}}) {
    const auto error = refusal(words);
    REQUIRE(error);
    CHECK(std::string(error->what()).find('\x1b') == std::string::npos);
  }
}

TEST_CASE("a path that looks like a misspelt command carries the command along", "[cli]") {
  CHECK(verb_meant("bild") == "build");
  CHECK(verb_meant("versio") == "version");
  for (const auto* word : {"src", ".", "", "print-table"}) CHECK(verb_meant(word) == std::nullopt);
}
