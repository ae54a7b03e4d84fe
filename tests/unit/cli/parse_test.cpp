#include <jailed/cli/parse.hpp>

#include "catch.hpp"
#include "support.hpp"

using jailed::cli::Invocation;
using jailed::cli::parse;
using jailed::core::UsageError;
using jailed::test::error_of;
using Verb = Invocation::Verb;

namespace {

using Words = std::vector<std::string>;

std::optional<jailed::core::Error> refusal(const Words& words) {
  return error_of([&] { parse(words); });
}

}  // namespace

TEST_CASE("no words: a jail for the current directory", "[cli]") {
  const auto invocation = parse({});
  CHECK(invocation.verb == Verb::launch);
  CHECK(invocation.options.path == std::nullopt);
  CHECK(invocation.options.command.empty());
  CHECK(invocation.options.runtime == std::nullopt);
  CHECK_FALSE(invocation.options.dry_run);
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
  const auto& parsed = invocation.options;
  CHECK(parsed.path == "some/path");
  CHECK(parsed.runtime == "podman");
  CHECK(parsed.image == "i:1");
  CHECK(parsed.user == "me");
  CHECK(parsed.config_dir == "/c");
  CHECK(parsed.sync == "bind");
  CHECK(parsed.env == Words{"A=b", "C"});
  CHECK(parsed.memory == "1g");
  CHECK(parsed.cpus == "2");
  CHECK(parsed.pids == "99");
  CHECK(parsed.log_file == "/l");
  CHECK(parsed.quiet);
  CHECK(parsed.verbose);
  CHECK(parsed.dry_run);
  CHECK(parsed.no_agent_env);
  CHECK(parsed.command.empty());
}

TEST_CASE("what follows -- is the command's, untouched", "[cli]") {
  const Words command = GENERATE(Words{"claude"}, Words{"sh", "-c", "x"}, Words{"--help"},
                                 Words{"-v", "--", "--version"}, Words{"", " ", "build"}, Words{});
  Words words = {".", "--"};
  words.insert(words.end(), command.begin(), command.end());
  const auto invocation = parse(words);
  CHECK(invocation.verb == Verb::launch);
  CHECK(invocation.options.path == ".");
  CHECK(invocation.options.command == command);
  CHECK(parse({"--", "build"}).options.command == Words{"build"});
  CHECK(parse({"--", "build"}).verb == Verb::launch);
}

TEST_CASE("a path is taken as it is", "[cli]") {
  const std::string path = GENERATE("./build", "./-x", "[id]", "[a,b]", "{x}", "a b", "a=b", "a,b", "'q'",
                                    "\"q\"", "a\nb", "%", "caf\xe9", "+x", "/", "..");
  CAPTURE(path);
  CHECK(parse({path}).options.path == path);
  CHECK(parse({"-q", path}).options.path == path);
}

TEST_CASE("an option's value is taken as it is", "[cli]") {
  for (const std::string value :
       {"A=[x,y]", "A={x}", "A=a b", "A=\"q\"", "A='q'", "A=x,y", "A=", "A=--flag", "A=a\nb", "A=\xe9"}) {
    CAPTURE(value);
    CHECK(parse({"--env", value}).options.env == Words{value});
    CHECK(parse({"--env=" + value}).options.env == Words{value});
    CHECK(parse({"-e", value, "."}).options.env == Words{value});
    CHECK(parse({"-e", value, "."}).options.path == ".");
  }
  CHECK(parse({"--config-dir", "[c]"}).options.config_dir == "[c]");
  CHECK(parse({"--env", "A=1", "--env", "A=2"}).options.env == Words{"A=1", "A=2"});
}

TEST_CASE("build and its options", "[cli]") {
  const auto invocation = parse({"build", "--name", "me", "--base", "b:1", "--agents", "claude,codex",
                                 "--toolchains=none", "--ca-cert", "/ca", "--update", "--no-cache", "--pull",
                                 "--image", "i", "--runtime", "docker", "--dry-run"});
  CHECK(invocation.verb == Verb::build);
  CHECK(invocation.build.name == "me");
  CHECK(invocation.build.base == "b:1");
  CHECK(invocation.build.agents == "claude,codex");
  CHECK(invocation.build.toolchains == "none");
  CHECK(invocation.build.ca_cert == "/ca");
  CHECK(invocation.build.update);
  CHECK(invocation.build.no_cache);
  CHECK(invocation.build.pull);
  CHECK(invocation.options.image == "i");
  CHECK(invocation.options.runtime == "docker");
  CHECK(invocation.options.dry_run);
}

TEST_CASE("version and help, as words and as flags", "[cli]") {
  CHECK(parse({"version"}).verb == Verb::version);
  CHECK(parse({"--version"}).verb == Verb::version);
  CHECK(parse({"-V"}).verb == Verb::version);
  const auto overview = parse({"--help"});
  CHECK(overview.verb == Verb::help);
  CHECK(
      overview.help.starts_with("jailed: AI coding agents in a container that cannot hurt your machine.\n"));
  CHECK(parse({"help"}).help == overview.help);
  CHECK(parse({"-h"}).help == overview.help);
  CHECK(parse({"help", "--help"}).help == overview.help);
  CHECK(parse({"--help", "--version"}).help == overview.help);
  const auto build = parse({"build", "--help"});
  CHECK(build.verb == Verb::help);
  CHECK(build.help.starts_with("Build the image from the context inside jailed"));
  CHECK(parse({"help", "build"}).help == build.help);
  CHECK(parse({"version", "--help"}).help == parse({"help", "version"}).help);
}

TEST_CASE("help names every option", "[cli]") {
  const auto help = parse({"--help"}).help;
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
  CHECK(several.options.path == "web");
  CHECK(several.options.further == Words{"api", "../lib"});
  CHECK(several.options.command == Words{"ls", "x"});
  CHECK(parse({"web"}).options.further.empty());
  CHECK(parse({"attach", "jail", "../api"}).options.jails == Words{"jail", "../api"});
  CHECK(parse({"detach", "api"}).verb == Invocation::Verb::detach);
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
  CHECK(parse({"bild"}).meant == "build");
  CHECK(parse({"versio"}).meant == "version");
  CHECK(parse({"src"}).meant == std::nullopt);
  CHECK(parse({"."}).meant == std::nullopt);
}
