#include <jailed/plan/settings/environment.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Environment;
using jailed::core::EnvVar;
using jailed::core::Settings;
using jailed::core::UsageError;
using jailed::test::error_of;

namespace jailed::core {
std::ostream& operator<<(std::ostream& out, const EnvVar& variable) {
  return out << variable.name << "=" << variable.value;
}
}  // namespace jailed::core

namespace {

using Variables = std::vector<EnvVar>;
using Words = std::vector<std::string>;

const Variables kConstants = {{"HOME", "/home/coder"},
                              {"USER", "coder"},
                              {"LOGNAME", "coder"},
                              {"CARGO_HOME", "/home/coder/.cache/cargo"},
                              {"GOPATH", "/home/coder/.cache/go"},
                              {"GOMODCACHE", "/home/coder/.cache/go/pkg/mod"},
                              {"GOCACHE", "/home/coder/.cache/go-build"},
                              {"npm_config_cache", "/home/coder/.cache/npm"},
                              {"PIP_CACHE_DIR", "/home/coder/.cache/pip"},
                              {"UV_CACHE_DIR", "/home/coder/.cache/uv"},
                              {"CLAUDE_CONFIG_DIR", "/home/coder/.claude"},
                              {"KIMI_CODE_HOME", "/home/coder/.kimi-code"},
                              {"CODEX_HOME", "/home/coder/.codex"},
                              {"COPILOT_HOME", "/home/coder/.copilot"},
                              {"COPILOT_CACHE_HOME", "/home/coder/.cache/copilot"}};

EnvPlan planned(const Words& env, const std::map<std::string, std::string>& host = {},
                bool agent_env = true) {
  Settings settings;
  settings.env = env;
  settings.agent_env = agent_env;
  return jail_environment(settings, Environment(host), "");
}

}  // namespace

TEST_CASE("homes and caches, and nothing else of an empty host", "[plan]") {
  const auto plan = planned({});
  CHECK(plan.constants == kConstants);
  CHECK(plan.names.empty());
  CHECK(plan.child_env.empty());
  CHECK(plan.file.empty());
}

TEST_CASE("homes follow the user's name", "[plan]") {
  Settings settings;
  settings.user = "me";
  for (const auto& variable : jail_environment(settings, {}, "").constants)
    CHECK(variable.value.find("coder") == std::string::npos);
}

TEST_CASE("terminal, language and documented keys come by name; whatever else the host has stays there",
          "[plan]") {
  const std::map<std::string, std::string> host = {{"TERM", "xterm"},
                                                   {"COLORTERM", "truecolor"},
                                                   {"LANG", "en_US.utf8"},
                                                   {"TZ", "Europe/Berlin"},
                                                   {"ANTHROPIC_API_KEY", "k1"},
                                                   {"AIDER_MODEL", "m"},
                                                   {"AIDER", "no"},
                                                   {"GH_TOKEN", "k2"},
                                                   {"OPENAI_API_KEY", ""},
                                                   {"OPENAI_API_KEY_2", "k3"},
                                                   {"AWS_SECRET_ACCESS_KEY", "k4"},
                                                   {"SSH_AUTH_SOCK", "/s"},
                                                   {"PATH", "/bin"},
                                                   {"TMUX", "/tmp/tmux"},
                                                   {"LC_ALL", "C"}};
  const auto plan = planned({}, host);
  CHECK(plan.constants == kConstants);
  CHECK(plan.names ==
        Words{"AIDER_MODEL", "ANTHROPIC_API_KEY", "COLORTERM", "GH_TOKEN", "LANG", "LC_ALL", "TERM", "TZ"});
  CHECK(plan.child_env.empty());
  CHECK(planned({}, host, false).names == Words{"COLORTERM", "LANG", "LC_ALL", "TERM", "TZ"});
}

TEST_CASE("what tells programs about the terminal comes by name, without the agents' keys, too", "[plan]") {
  const std::string name =
      GENERATE("TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LC_TERMINAL", "LC_TERMINAL_VERSION", "COLORFGBG", "VTE_VERSION",
               "KONSOLE_VERSION", "WT_SESSION", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "LESS");
  CAPTURE(name);
  const auto plan = planned({}, {{name, "x"}, {name + "_2", "y"}}, false);
  CHECK(plan.names == Words{name});
  CHECK(plan.constants == kConstants);
  CHECK(planned({}, {{name, ""}}, false).names.empty());
}

TEST_CASE("what the image has not comes as the nearest that it has", "[plan]") {
  using Pair = std::pair<EnvVar, Variables>;  // what is set outside, what the jail gets
  const Pair pair = GENERATE(values<Pair>({{{"TERM", "xterm-nosuch"}, {{"TERM", "xterm-256color"}}},
                                                         {{"LANG", "de_DE.UTF-8"}, {{"LANG", "C.UTF-8"}}},
                                                         {{"LC_ALL", "de_DE@euro"}, {{"LC_ALL", "C.UTF-8"}}},
                                                         {{"LC_CTYPE", "UTF-8"}, {{"LC_CTYPE", "C.UTF-8"}}},
                                                         {{"LC_TIME", "de_DE.UTF-8"}, {}},
                                                         {{"LANGUAGE", "de"}, {}},
                                                         {{"EDITOR", "/usr/bin/nvim -f"}, {{"EDITOR", "vi"}}},
                                                         {{"EDITOR", "code --wait"}, {}},
                                                         {{"TZ", ":Europe/Berlin"}, {{"TZ", "Europe/Berlin"}}},
                                                         {{"TZ", ":/etc/localtime"}, {}}}));
  const auto& outside = pair.first;
  const auto& inside = pair.second;
  CAPTURE(outside.name, outside.value);
  auto expected = kConstants;
  expected.insert(expected.end(), inside.begin(), inside.end());
  const auto plan = planned({}, {{outside.name, outside.value}});
  CHECK(plan.constants == expected);
  CHECK(plan.names.empty());
  CHECK(planned({outside.name + "=mine"}, {{outside.name, outside.value}}).constants == kConstants);
}

TEST_CASE("a terminal that the image does not know is said, once, unless the user chose one", "[plan]") {
  const auto notices = [](const std::string& term, const Words& env) {
    Settings settings;
    settings.env = env;
    return surroundings_notices(settings, Environment(std::map<std::string, std::string>{{"TERM", term}}));
  };
  CHECK(notices("xterm-nosuch", {}) ==
        Words{"TERM=xterm-nosuch: the image does not know this terminal, so it is xterm-256color in the jail."});
  CHECK(notices("a\x1b]0;b\a", {}).front().find('\x1b') == std::string::npos);
  CHECK(notices("xterm-nosuch", {"TERM=vt100"}).empty());
  CHECK(notices("xterm-nosuch", {"TERM"}).empty());
  CHECK(notices("xterm-kitty", {}).empty());
  CHECK(notices("", {}).empty());
}

TEST_CASE("proxies come along unless they hold a password or lead nowhere", "[plan]") {
  const auto names = [](std::map<std::string, std::string> host) { return jail_environment({}, Environment(std::move(host)), "").names; };
  const auto notices = [](std::map<std::string, std::string> host, const Words& env) {
    Settings settings;
    settings.env = env;
    return surroundings_notices(settings, Environment(std::move(host)));
  };
  CHECK(names({{"https_proxy", "http://proxy.example:3128"}, {"HTTP_PROXY", "proxy:1"}, {"no_proxy", "a,b"}}) == Words{"HTTP_PROXY", "https_proxy", "no_proxy"});
  CHECK(names({{"no_proxy", "a,b"}, {"http_proxy", ""}}).empty());
  for (const std::string proxy : {"http://me:secret@proxy:1", "me@proxy", "socks5h://a:b@p", "http://localhost:3128", "127.0.0.1:1", "http://127.8.8.8/", "http://[::1]:1",
                                  "http://me:x@127.0.0.1", "http://x.localhost:1", "0.0.0.0:8080"}) {
    CAPTURE(proxy);
    CHECK(names({{"http_proxy", proxy}, {"NO_PROXY", "a"}}).empty());
    const auto said = notices({{"http_proxy", proxy}}, {});
    REQUIRE(said.size() == 1);
    CHECK(said.front().find("secret") == std::string::npos);
    CHECK(notices({{"http_proxy", proxy}}, {"http_proxy"}).empty());
  }
  for (const std::string proxy : {"http://proxy:1/a@b", "http://127example.org:1", "http://[fd00::1]:1", "http://localhost.example:1"}) {
    CAPTURE(proxy);
    CHECK(names({{"http_proxy", proxy}}) == Words{"http_proxy"});
    CHECK(notices({{"http_proxy", proxy}}, {}).empty());
  }
}

TEST_CASE("the machine's time zone, unless TZ says another", "[plan]") {
  CHECK(jail_environment({}, {}, "Europe/Berlin").constants.back() == EnvVar{"TZ", "Europe/Berlin"});
  const auto plan =
      jail_environment({}, Environment(std::map<std::string, std::string>{{"TZ", "UTC"}}), "Europe/Berlin");
  CHECK(plan.constants == kConstants);
  CHECK(plan.names == Words{"TZ"});
}

TEST_CASE("a value goes by the client's environment, never by its arguments", "[plan]") {
  const auto plan = planned({"SECRET=a=b \"c\"\nd", "EMPTY="});
  CHECK(plan.constants == kConstants);
  CHECK(plan.names == Words{"SECRET", "EMPTY"});
  CHECK(plan.child_env == Variables{{"SECRET", "a=b \"c\"\nd"}, {"EMPTY", ""}});
  CHECK(plan.file.empty());
}

TEST_CASE("a name alone brings the host's value, even an empty one, and nothing where there is none",
          "[plan]") {
  const auto plan = planned({"MINE", "BLANK", "ABSENT"}, {{"MINE", "x"}, {"BLANK", ""}});
  CHECK(plan.names == Words{"MINE", "BLANK"});
  CHECK(plan.child_env.empty());
}

TEST_CASE("what the user asks for beats what comes along, and the last one wins", "[plan]") {
  const auto plan =
      planned({"TERM=dumb", "A=1", "A=2", "GOPATH=/go", "B=1", "B"}, {{"TERM", "xterm"}, {"B", "host"}});
  CHECK(plan.names == Words{"TERM", "A", "GOPATH", "B"});
  CHECK(plan.child_env == Variables{{"TERM", "dumb"}, {"A", "2"}, {"GOPATH", "/go"}});
  auto constants = kConstants;
  constants.erase(constants.begin() + 4);
  CHECK(plan.constants == constants);
}

TEST_CASE("a key that was asked for by name comes without the other agents' keys", "[plan]") {
  const auto plan = planned({"GH_TOKEN"}, {{"GH_TOKEN", "x"}, {"OPENAI_API_KEY", "y"}}, false);
  CHECK(plan.names == Words{"GH_TOKEN"});
}

TEST_CASE("names that the engine's client obeys go by a file, and never change the client", "[plan]") {
  const auto plan =
      planned({"PATH=/x", "DOCKER_HOST=tcp://y", "https_proxy=http://z", "LD_PRELOAD=/evil.so"});
  CHECK(plan.names.empty());
  CHECK(plan.child_env.empty());
  CHECK(plan.file == Variables{{"PATH", "/x"},
                               {"DOCKER_HOST", "tcp://y"},
                               {"https_proxy", "http://z"},
                               {"LD_PRELOAD", "/evil.so"}});
  CHECK(planned({"PATH=/x", "PATH=/y"}).file == Variables{{"PATH", "/y"}});
}

TEST_CASE("a line break has no place in a file of lines", "[plan]") {
  CHECK(error_of([] { planned({"PATH=/x\nEVIL=1"}); }) ==
        UsageError("--env: PATH cannot have a value with a line break.",
                   "the engine reads this name itself, so its value has to go by a file of lines"));
}

TEST_CASE("the names that docker, podman and the dynamic linker obey", "[plan]") {
  for (const auto* name : {"PATH",
                           "HOME",
                           "TMPDIR",
                           "DOCKER_HOST",
                           "DOCKER_CONFIG",
                           "DOCKER_TLS_VERIFY",
                           "CONTAINER_HOST",
                           "CONTAINERS_CONF",
                           "CONTAINERS_STORAGE_CONF",
                           "BUILDKIT_PROGRESS",
                           "STORAGE_DRIVER",
                           "LD_PRELOAD",
                           "LD_LIBRARY_PATH",
                           "XDG_RUNTIME_DIR",
                           "XDG_CONFIG_HOME",
                           "SSL_CERT_FILE",
                           "SSL_CERT_DIR",
                           "GODEBUG",
                           "HTTP_PROXY",
                           "https_proxy",
                           "NO_PROXY",
                           "all_proxy",
                           "SSH_AUTH_SOCK",
                           "NO_COLOR"}) {
    CAPTURE(name);
    CHECK(engine_obeys(name));
  }
  for (const auto* name :
       {"FOO", "MY_PATH", "PATHS", "HOMEPAGE", "TERM", "ANTHROPIC_API_KEY", "PROXY", "MY_DOCKER_HOST"}) {
    CAPTURE(name);
    CHECK_FALSE(engine_obeys(name));
  }
}

TEST_CASE("podman's own variables are obeyed, too", "[plan]") {
  // podman(1): CONTAINER_*, CONTAINERS_*, PODMAN_*; _CONTAINERS_* between its processes; sd_notify(3);
  // REGISTRY_AUTH_FILE and REGISTRIES_CONFIG_PATH of its libraries; glibc's and Go's own.
  const std::string name =
      GENERATE("PODMAN_USERNS", "PODMAN_IGNORE_CGROUPSV1_WARNING", "_CONTAINERS_USERNS_CONFIGURED",
               "_CONTAINERS_ROOTLESS_UID", "NOTIFY_SOCKET", "REGISTRY_AUTH_FILE", "DBUS_SESSION_BUS_ADDRESS",
               "LISTEN_FDS", "GLIBC_TUNABLES", "GOTRACEBACK", "GOMAXPROCS", "GOMEMLIMIT", "GOGC");
  CAPTURE(name);
  CHECK(engine_obeys(name));
}

TEST_CASE("NAME or NAME=VALUE", "[plan]") {
  for (const auto* good : {"A", "_", "a1_B", "A=", "A=b=c", "A= x\ny"}) CHECK(is_env_entry(good));
  for (const auto* bad : {"", "=", "=x", "1A", "A B=c", "A-B=c", "A.B", "caf\xc3\xa9=1", "A\n=x"})
    CHECK_FALSE(is_env_entry(bad));
}
