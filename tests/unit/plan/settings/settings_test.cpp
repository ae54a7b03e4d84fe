#include <jailed/plan/settings/parsers.hpp>
#include <jailed/plan/settings/settings.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Environment;
using jailed::core::Error;
using jailed::core::Invocation;
using jailed::core::Named;
using jailed::core::Settings;
using jailed::core::Sync;
using jailed::core::UsageError;
using jailed::test::error_of;
using jailed::test::giving;

namespace {

using Variables = std::map<std::string, std::string>;

Settings resolve(const Invocation& invocation, Variables variables = {}) {
  variables.emplace("HOME", "/home/me");
  return resolve_settings(invocation, Environment(std::move(variables)));
}

std::optional<Error> refusal(const Invocation& invocation, const Variables& variables = {}) {
  return error_of([&] { resolve(invocation, variables); });
}

constexpr std::uint64_t kMiB = 1024 * 1024;

}  // namespace

TEST_CASE("the defaults", "[plan]") {
  const auto settings = resolve({});
  CHECK(settings.runtime == std::nullopt);
  CHECK(settings.image == "jailed:latest");
  CHECK(settings.user == "coder");
  CHECK(settings.config_dir == "/home/me/.config/jailed");
  CHECK(settings.sync == std::nullopt);
  CHECK(settings.memory == std::nullopt);
  CHECK(settings.cpus == std::nullopt);
  CHECK(settings.pids == 4096);
  CHECK(settings.env.empty());
  CHECK(settings.agent_env);
}

TEST_CASE("a flag beats its variable, a variable beats the default", "[plan]") {
  const Variables variables = {{"JAILED_RUNTIME", "docker"}, {"JAILED_IMAGE", "v:1"},
                               {"JAILED_USER", "vera"},      {"JAILED_CONFIG_DIR", "/v"},
                               {"JAILED_MEMORY", "1g"},      {"JAILED_SYNC_STRATEGY", "bind"},
                               {"JAILED_CPUS", "1"},         {"JAILED_PIDS", "100"}};
  const auto by_variable = resolve({}, variables);
  CHECK(by_variable.runtime == Named{"docker", "JAILED_RUNTIME"});
  CHECK(by_variable.image == "v:1");
  CHECK(by_variable.user == "vera");
  CHECK(by_variable.config_dir == "/v");
  CHECK(by_variable.sync == Sync::bind);
  CHECK(by_variable.memory == 1024 * kMiB);
  CHECK(by_variable.cpus == "1");
  CHECK(by_variable.pids == 100);

  const auto by_flag = resolve(giving({{"runtime", "podman"},
                                       {"image", "f:2"},
                                       {"user", "fay"},
                                       {"config-dir", "f"},
                                       {"sync", "mutagen"},
                                       {"memory", "2g"},
                                       {"cpus", "2.5"},
                                       {"pids", "200"},
                                       {"env", "A"},
                                       {"env", "B=c"},
                                       {"no-agent-env", "true"}}),
                               variables);
  CHECK(by_flag.runtime == Named{"podman", "--runtime"});
  CHECK(by_flag.image == "f:2");
  CHECK(by_flag.user == "fay");
  CHECK(by_flag.config_dir == "f");
  CHECK(by_flag.sync == Sync::mutagen);
  CHECK(by_flag.memory == 2048 * kMiB);
  CHECK(by_flag.cpus == "2.5");
  CHECK(by_flag.pids == 200);
  CHECK(by_flag.env == std::vector<std::string>{"A", "B=c"});
  CHECK_FALSE(by_flag.agent_env);
}

TEST_CASE("an empty variable counts as unset", "[plan]") {
  const auto settings = resolve({}, {{"JAILED_RUNTIME", ""},
                                     {"JAILED_IMAGE", ""},
                                     {"JAILED_USER", ""},
                                     {"JAILED_CONFIG_DIR", ""},
                                     {"JAILED_SYNC_STRATEGY", ""},
                                     {"JAILED_MEMORY", ""},
                                     {"JAILED_CPUS", ""},
                                     {"JAILED_PIDS", ""},
                                     {"XDG_CONFIG_HOME", ""}});
  CHECK(settings.runtime == std::nullopt);
  CHECK(settings.image == "jailed:latest");
  CHECK(settings.user == "coder");
  CHECK(settings.config_dir == "/home/me/.config/jailed");
  CHECK(settings.sync == std::nullopt);
  CHECK(settings.memory == std::nullopt);
  CHECK(settings.cpus == std::nullopt);
  CHECK(settings.pids == 4096);
}

TEST_CASE("a flag with an empty value is wrong, not unset", "[plan]") {
  for (const auto* setting : {"image", "user", "config-dir", "sync", "memory", "cpus", "pids"}) {
    const auto error = refusal(giving({{setting, ""}}), {{"JAILED_IMAGE", "v:1"}});
    REQUIRE(error);
    CHECK(error->exit_code() == 2);
  }
  CHECK(refusal(giving({{"config-dir", ""}})) == UsageError("--config-dir: '' is not a directory."));
}

TEST_CASE("where the configuration is", "[plan]") {
  CHECK(resolve({}, {{"XDG_CONFIG_HOME", "/x"}}).config_dir == "/x/jailed");
  CHECK(resolve({}, {{"XDG_CONFIG_HOME", "relative"}}).config_dir == "/home/me/.config/jailed");
  CHECK(resolve({}, {{"XDG_CONFIG_HOME", "/x"}, {"JAILED_CONFIG_DIR", "/c"}}).config_dir == "/c");
  CHECK(error_of([] { resolve_settings(Invocation{}, Environment()); }) ==
        UsageError("HOME is not set, so there is no place for jailed's configuration.",
                   "name one: JAILED_CONFIG_DIR=DIR or --config-dir DIR"));
  CHECK(resolve_settings(Invocation{}, Environment(Variables{{"JAILED_CONFIG_DIR", "/c"}})).config_dir == "/c");
}

TEST_CASE("a bad value is named with what set it", "[plan]") {
  CHECK(refusal({}, {{"JAILED_IMAGE", "Bad Image"}}) ==
        UsageError("JAILED_IMAGE: 'Bad Image' is not an image reference such as jailed:latest."));
  CHECK(refusal(giving({{"image", "x\x1b[0m"}})) ==
        UsageError("--image: 'x\\033[0m' is not an image reference such as jailed:latest."));
  CHECK(refusal({}, {{"JAILED_USER", "root"}}) ==
        UsageError(
            "JAILED_USER: 'root' is not a user name (a lower-case letter or _, then up to 31 of a-z 0-9 _ -; "
            "not root)."));
  CHECK(refusal({}, {{"JAILED_SYNC_STRATEGY", "rsync"}}) ==
        UsageError("JAILED_SYNC_STRATEGY: 'rsync' is not a sync strategy: mutagen or bind."));
  CHECK(refusal({}, {{"JAILED_MEMORY", "lots"}}) ==
        UsageError("JAILED_MEMORY: 'lots' is not a size such as 512m, 8g or 1.5g (at least 64m)."));
  CHECK(refusal({}, {{"JAILED_CPUS", "all"}}) ==
        UsageError("JAILED_CPUS: 'all' is not a number of processors such as 2 or 1.5."));
  CHECK(refusal({}, {{"JAILED_PIDS", "-1"}}) ==
        UsageError("JAILED_PIDS: '-1' is not a number of processes from 16 to 4194304."));
}

TEST_CASE("a bad --env is refused without showing its value", "[plan]") {
  CHECK(refusal(giving({{"env", "MY KEY=hunter2"}})) == UsageError("--env: 'MY KEY' is not NAME or NAME=VALUE."));
  CHECK(refusal(giving({{"env", "=hunter2"}})) == UsageError("--env: '' is not NAME or NAME=VALUE."));
}

TEST_CASE("sizes in bytes, with units of 1024 as docker has them", "[plan]") {
  for (const auto& [text, bytes] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
           {"64m", 64 * kMiB},
           {"64M", 64 * kMiB},
           {"64mb", 64 * kMiB},
           {"64MiB", 64 * kMiB},
           {"67108864", 64 * kMiB},
           {"67108864b", 64 * kMiB},
           {"65536k", 64 * kMiB},
           {"8g", 8192 * kMiB},
           {"8GB", 8192 * kMiB},
           {"1.5GiB", 1536 * kMiB},
           {"0.0625g", 64 * kMiB},
           {"1t", 1024 * 1024 * kMiB},
       }) {
    CAPTURE(text);
    CHECK(parse_size({text, "--memory"}) == bytes);
  }
}

TEST_CASE("what is no size, or too small or too large for one", "[plan]") {
  const std::string text =
      GENERATE("", "g", "-1g", "0", "63m", "1", "8x", "8gg", "8 g", " 8g", "8g ", "8,5g", "nan", "inf",
               "1e30g", "5000000000t", "67108864ib", "64mbib", "67108864bb", "67108864bib", "0x4000000");
  CAPTURE(text);
  CHECK(error_of([&] { parse_size({text, "--memory"}); }) ==
        UsageError("--memory: '" + text + "' is not a size such as 512m, 8g or 1.5g (at least 64m)."));
}

TEST_CASE("numbers of processes and processors", "[plan]") {
  for (const std::string good : {"16", "4096", "4194304"}) {
    CHECK(resolve(giving({{"pids", good}})).pids == std::stoull(good));
  }
  for (const std::string bad :
       {"15", "0", "4194305", "99999999999999999999", "1e3", "16 ", " 16", "+16", "0x20"}) {
    CHECK(refusal(giving({{"pids", bad}})) ==
          UsageError("--pids: '" + bad + "' is not a number of processes from 16 to 4194304."));
  }
  for (const std::string good : {"1", "0.01", "1.5", ".5", "64"}) {
    CHECK(resolve(giving({{"cpus", good}})).cpus == good);
  }
  for (const std::string bad : {"0", "0.001", "-1", "nan", "inf", "1,5", "2x", " 2", "+2", "5000"}) {
    CHECK(refusal(giving({{"cpus", bad}})) ==
          UsageError("--cpus: '" + bad + "' is not a number of processors such as 2 or 1.5."));
  }
}

TEST_CASE("image references as the engines read them", "[plan]") {
  const std::string digest = "sha256:" + std::string(64, 'a');
  for (const std::string& good :
       {std::string("jailed"), std::string("jailed:latest"), std::string("jailed:V1_x.y-z"),
        std::string("me/jailed"), std::string("localhost/jailed"), std::string("localhost:5000/a/b/c:t"),
        std::string("example.org/a"), std::string("EXAMPLE.org:443/a"), std::string("[::1]:5000/a"),
        std::string("a__b/c-d/e--f.g"), "jailed@" + digest, "example.org/a:t@" + digest,
        std::string(255, 'a')}) {
    CAPTURE(good);
    CHECK(is_image_reference(good));
  }
  for (const std::string& bad : {std::string(""),
                                 std::string(" "),
                                 std::string("Jailed"),
                                 std::string("a b"),
                                 std::string("a:"),
                                 std::string(":a"),
                                 std::string("a:.t"),
                                 std::string("a:-t"),
                                 std::string("a:t:u"),
                                 std::string("a//b"),
                                 std::string("/a"),
                                 std::string("a/"),
                                 std::string("-a"),
                                 std::string("a-"),
                                 std::string("a..b"),
                                 std::string("a___b"),
                                 std::string("a@sha256:short"),
                                 std::string("a@") + std::string(64, 'a'),
                                 std::string("a@:") + std::string(64, 'a'),
                                 "@" + digest,
                                 "a@" + digest + "@" + digest,
                                 std::string("a:") + std::string(129, 't'),
                                 std::string(256, 'a'),
                                 std::string("a\nb"),
                                 std::string("a\xc3\xa9"),
                                 std::string("--privileged"),
                                 std::string("example.org/")}) {
    CAPTURE(bad);
    CHECK_FALSE(is_image_reference(bad));
  }
}

TEST_CASE("no image reference is an option to the engine", "[plan]") {
  const std::string text = GENERATE("-p80:80/tcp", "--x.y/a", "-.a/b", "-v:/a");
  CAPTURE(text);
  CHECK_FALSE(is_image_reference(text));
}

TEST_CASE("separators in an image's path stand alone between letters and digits", "[plan]") {
  const std::string text = GENERATE("a.-b", "a._b", "a_.b", "a-_b", "a_-b", "a-.b");
  CAPTURE(text);
  CHECK_FALSE(is_image_reference(text));
}

TEST_CASE("a digest's algorithm is a word", "[plan]") {
  const std::string text = GENERATE("a@b c:", "a@-x:", "a@\n:", "a@sha256:x:");
  CAPTURE(text);
  CHECK_FALSE(is_image_reference(text + std::string(64, 'a')));
}

TEST_CASE("user names", "[plan]") {
  for (const std::string& good : {std::string("coder"), std::string("_x"), std::string("a"),
                                  std::string("a-b_c9"), std::string(32, 'a')}) {
    CAPTURE(good);
    CHECK(is_user_name(good));
  }
  for (const std::string& bad :
       {std::string(""), std::string("root"), std::string("Coder"), std::string("9a"), std::string("-a"),
        std::string("a b"), std::string("a:b"), std::string("a/b"), std::string("a."), std::string("a$"),
        std::string("caf\xc3\xa9"), std::string("a\n"), std::string(33, 'a')}) {
    CAPTURE(bad);
    CHECK_FALSE(is_user_name(bad));
  }
}

TEST_CASE("a user name that the jail's /etc/passwd has already is refused", "[plan]") {
  CHECK_FALSE(is_user_name("nobody"));
}

TEST_CASE("what the jail may edit", "[plan]") {
  using Globs = std::vector<std::string>;
  CHECK(resolve({}).allow_edit.empty());
  CHECK(resolve({}, {{"JAILED_ALLOW_EDIT", ".envrc:tools/**::"}}).allow_edit == Globs{".envrc", "tools/**"});
  CHECK(resolve(giving({{"allow-edit", "a:b"}, {"allow-edit", "d"}}), {{"JAILED_ALLOW_EDIT", "c"}}).allow_edit == Globs{"a:b", "d"});
  CHECK(refusal(giving({{"allow-edit", "a/../b"}})).has_value());
  CHECK(refusal({}, {{"JAILED_ALLOW_EDIT", "/"}}).has_value());
}

TEST_CASE("the form of the report", "[plan]") {
  CHECK(resolve({}).report == jailed::core::Report::text);
  CHECK(resolve({}, {{"JAILED_REPORT", "json"}}).report == jailed::core::Report::json);
  CHECK(refusal({}, {{"JAILED_REPORT", "xml"}}).has_value());
}

TEST_CASE("a profile and whose cache, by flag or variable", "[plan]") {
  using jailed::core::Cache;
  const Variables variables = {{"JAILED_PROFILE", "work"}, {"JAILED_CACHE", "project"}};
  CHECK(resolve({}).profile.empty());
  CHECK(resolve({}).cache == Cache::shared);
  CHECK(resolve({}, variables).profile == "work");
  CHECK(resolve({}, variables).cache == Cache::project);
  const auto home = resolve(giving({{"profile", "home"}, {"cache", "none"}, {"copy-logins", "true"}}), variables);
  CHECK(home.profile == "home");
  CHECK(home.cache == Cache::none);
  CHECK(home.copy_logins);
  CHECK(refusal(giving({{"profile", "../x"}}))->what() ==
        std::string(
            "--profile: '../x' is not a profile's name (letters, digits, '.', '_' and '-', up to 64)."));
  CHECK(refusal(giving({{"copy-logins", "true"}}))->what() == std::string("--copy-logins: there is no profile to copy them to."));
  CHECK(refusal(giving({{"cache", "mine"}}))->what() ==
        std::string("--cache: 'mine' is not whose caches to use: shared, project or none."));
}

TEST_CASE("each value knows who set it, and a default nobody", "[plan]") {
  const auto settings = resolve(giving({{"memory", "2g"}, {"env", "A=1"}, {"env", "B=2"}}), {{"JAILED_MEMORY", "1g"}, {"JAILED_PIDS", "99"}});
  CHECK(settings.given == std::map<std::string, std::string, std::less<>>{
                              {"memory", "--memory"}, {"env", "--env"}, {"pids", "JAILED_PIDS"}});
}

TEST_CASE("a setting has the values of the first layer that has any, and none of the others", "[plan]") {
  const auto layer = [](Layer::Origin origin, std::vector<jailed::core::Given> given) { return Layer{origin, std::move(given)}; };
  const Environment environment(Variables{{"HOME", "/home/me"}});
  const std::vector<Layer> layers = {
      layer(Layer::Origin::command_line, {{"allow-edit", "a", "--allow-edit"}}),
      layer(Layer::Origin::environment, {{"cache", "none", "JAILED_CACHE"}, {"allow-edit", "b", "JAILED_ALLOW_EDIT"}}),
      layer(Layer::Origin::project, {{"cache", "project", "jailed.json"}, {"memory", "3g", "jailed.json"}, {"allow-edit", "c", "jailed.json"}})};
  const auto settings = resolve_settings(layers, environment);
  CHECK(settings.allow_edit == std::vector<std::string>{"a"});
  CHECK(settings.cache == jailed::core::Cache::none);
  CHECK(settings.memory == 3 * 1024 * kMiB);
  CHECK(settings.given.at("memory") == "jailed.json");
}

TEST_CASE("what a project may not set is refused in its file", "[plan]") {
  const std::vector<Layer> layers = {{Layer::Origin::project, {{"runtime", "/tmp/x", "jailed.json: runtime"}}}};
  CHECK(error_of([&] { resolve_settings(layers, Environment(Variables{{"HOME", "/h"}})); }) ==
        UsageError("jailed.json: runtime: a project may not set this for who opens it."));
}

TEST_CASE("what jailed says and where is known before anything is checked", "[plan]") {
  const auto talk = talk_settings(giving({{"quiet", "true"}, {"memory", "lots"}, {"log-file", "/l"}}));
  CHECK(talk.quiet);
  CHECK_FALSE(talk.verbose);
  CHECK(talk.log_file == "/l");
}
