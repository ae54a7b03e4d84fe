#include <jailed/core/error.hpp>
#include <jailed/plan/list/jails.hpp>
#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", true};

FoundJail jail_at(const std::string& project, const std::string& session) {
  return {.name = container_name(project, session), .session = session, .project = project, .image = "i", .state = "running"};
}

// Who of these is meant; the error's text when nobody is.
std::string chosen(const std::vector<FoundJail>& jails, const std::string& word, const std::string& here = "/") {
  try {
    return choose_jail(jails, word, here).session;
  } catch (const core::UsageError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("jails are asked for by label and owner, each engine in its own way", "[plan]") {
  const auto docker = list_jails_command(kDocker, 7);
  CHECK(std::vector<std::string>(docker.args.begin(), docker.args.end() - 1) ==
        std::vector<std::string>{"ps", "--all", "--no-trunc", "--filter", "label=jailed.session", "--filter",
                                 "label=jailed.owner=7", "--format"});
  CHECK(list_jails_command(kPodman, 7).args.back() == "json");
}

TEST_CASE("Docker's answer is a line of JSON a jail; helpers and what is no jail are left out", "[plan]") {
  const std::string id(64, 'c');
  const auto [jails, whole] = parse_jails(kDocker,
                                 "[\"n,other/alias\",\"0123456789ab\",\"/p/\\u001b[2J\\n,\\\"x\\\"\",\"i\\u001b\",\"running\",\"2 hours ago\",\"mutagen\",\"true\",\"\",\"api:/p/%C3%BC\",\"" + id + "\"]\n"
                                 "[\"n-proxy\",\"0123456789ab\",\"/p\",\"i\",\"running\",\"\",\"\",\"\",\"proxy\",\"\",\"c3\"]\n"
                                 "[\"too\",\"few\"]\n"
                                 "[1,2,3,4,5,6,7,8,9,10,11]\n"
                                 "no JSON at all\n"
                                 "\n"
                                 "[\"m\",\"0123456789ac\",\"/q\",\"j\",\"exited\",\"now\",\"\",\"\",\"\",\"none\",\"\"]");
  REQUIRE(jails.size() == 2);
  CHECK_FALSE(whole);
  CHECK(jails[0] == FoundJail{.name = "n", .session = "0123456789ab", .project = "/p/\033[2J\n,\"x\"", .image = "i\\033", .state = "running",
                              .age = "2 hours ago", .synced = true, .detached = true, .further = {{"api", "/p/ü"}},
                              .container = id});
  CHECK(jails[1] == FoundJail{.name = "m", .session = "0123456789ac", .project = "/q", .image = "j", .state = "exited", .age = "now"});
  CHECK(parse_jails(kDocker, "").jails.empty());
  CHECK(parse_jails(kDocker, "").whole);
  const std::string line = R"(["m","0123456789ac","/q","j","exited","now","","","","none",""])";
  CHECK(parse_jails(kDocker, line + "\n\n" + line + "\n").whole);
  CHECK_FALSE(parse_jails(kDocker, line + "\n" + line.substr(0, 30)).whole);  // cut off
  std::string many;
  for (int i = 0; i < 10001; ++i) many += line + "\n";
  CHECK_FALSE(parse_jails(kDocker, many).whole);
  CHECK(parse_jails(kDocker, many).jails.size() == 10000);
}

TEST_CASE("Podman's answer is one JSON list", "[plan]") {
  const auto [jails, whole] = parse_jails(kPodman, R"([
    {"Id": "cccccccccccc", "Names": ["n"], "Image": "i", "State": "running", "CreatedAt": "2 hours ago",
     "Labels": {"jailed.session": "0123456789ab", "jailed.project": "/p\u001b", "jailed.sync": "mutagen", "jailed.detached": "true",
                "jailed.projects": "api:/p/api"}},
    {"Names": ["h"], "Labels": {"jailed.session": "s", "jailed.role": "proxy"}},
    {"Names": [], "Labels": {}}, {"Names": "x"}, {"Names": ["y"], "Labels": []}, 3,
    {"Names": ["z"], "Labels": {"jailed.session": 5}}])");
  REQUIRE(jails.size() == 2);
  CHECK(jails[0] == FoundJail{.name = "n", .session = "0123456789ab", .project = "/p\033", .image = "i", .state = "running",
                              .age = "2 hours ago", .synced = true, .detached = true, .further = {{"api", "/p/api"}},
                              .container = "cccccccccccc"});
  CHECK(jails[1].name == "z");
  CHECK(jails[1].session.empty());
  CHECK(jails[1].foreign);
  CHECK_FALSE(whole);
  for (const auto* text : {"", "\n", "null", "[]"}) {
    CHECK(parse_jails(kPodman, text).jails.empty());
    CHECK(parse_jails(kPodman, text).whole);
  }
  for (const auto* text : {"{}", "no JSON", "[[]]", R"([{"Names": null, "Labels": null}])", "[{\"Names\": [\"\xff\"]}]"}) {
    CHECK(parse_jails(kPodman, text).jails.empty());
    CHECK_FALSE(parse_jails(kPodman, text).whole);
  }
}

TEST_CASE("a jail is meant by name, session, project, or the beginning of one", "[plan]") {
  const std::vector<FoundJail> jails = {jail_at("/p/app", "aaaaaaaaaaaa"), jail_at("/p/apple", "bbbbbbbbbbbb"),
                                        jail_at("/q/my web", "cccccccccccc")};
  CHECK(chosen(jails, "jailed-app-aaaaaaaaaaaa") == "aaaaaaaaaaaa");
  CHECK(chosen(jails, "jailed-app-") == "aaaaaaaaaaaa");
  CHECK(chosen(jails, "apple") == "bbbbbbbbbbbb");
  CHECK(chosen(jails, "bb") == "bbbbbbbbbbbb");
  CHECK(chosen(jails, "/p/app") == "aaaaaaaaaaaa");
  CHECK(chosen(jails, "my-web") == "cccccccccccc");
  CHECK(chosen(jails, "app") == "'app' could be several jails.");
  CHECK(chosen(jails, "nobody\033") == "No jail is 'nobody\\033'.");
}

TEST_CASE("without a word it is the jail around the current directory, or the only one", "[plan]") {
  const auto app = jail_at("/p/app", "aaaaaaaaaaaa");
  const auto other = jail_at("/p/other", "bbbbbbbbbbbb");
  CHECK(chosen({app}, "") == "aaaaaaaaaaaa");
  CHECK(chosen({app, other}, "") == "There are several jails.");
  CHECK(chosen({app, other}, "", "/p/other/src") == "bbbbbbbbbbbb");
  CHECK(chosen({app, other}, "", "/p/otherwise") == "There are several jails.");
  CHECK(chosen({app, jail_at("/p/app", "dddddddddddd")}, "", "/p/app") == "There are several jails.");
  CHECK(chosen({}, "") == "No jail is there.");
}

TEST_CASE("the candidates are named with their projects, safe to print", "[plan]") {
  try {
    choose_jail({jail_at("/p/a\nb", "1"), jail_at("/p/a", "2")}, "a", "/");
    FAIL();
  } catch (const core::UsageError& error) {
    CHECK(error.next_step() == "name one of them:\n  jailed-a-b-1  /p/a\\012b\n  jailed-a-2  /p/a");
  }
}

TEST_CASE("a jail of several projects is meant by each of them", "[plan]") {
  std::vector<FoundJail> jails = {jail_at("/p/web", "aaaaaaaaaaaa"), jail_at("/p/lib", "bbbbbbbbbbbb")};
  jails[0].further = {{"q-api", "/q/api"}};
  CHECK(projects_of(jails[0]) == std::vector<std::string>{"/p/web", "/q/api"});
  for (const auto* word : {"/q/api", "q-api", "/p/web", "web"}) CHECK(chosen(jails, word) == "aaaaaaaaaaaa");
  CHECK(chosen(jails, "", "/q/api/src") == "aaaaaaaaaaaa");
  CHECK(chosen(jails, "", "/q") == "There are several jails.");
  jails[1].further = {{"api", "/q/api"}};
  CHECK(chosen(jails, "/q/api") == "'/q/api' could be several jails.");
}

TEST_CASE("the table has columns, the JSON every byte", "[plan]") {
  auto one = jail_at("/p/a\nb", "1");
  one.detached = one.synced = true;
  auto two = jail_at("/p/longer/that", "2");
  two.age = "3 days ago";
  two.further = {{"api", "/p/api\n"}};
  one.agents = {"claude", "codex"};
  auto three = jail_at("/p/c", "3");
  three.agents = std::vector<std::string>{};
  CHECK(jails_table(kPodman, {one, two, three}) ==
        "JAIL           PROJECT                     ENGINE  IMAGE  AGE         STATE               SYNC     AGENTS\n"
        "jailed-a-b-1   /p/a\\012b                   podman  i                  running (detached)  mutagen  claude,codex\n"
        "jailed-that-2  /p/longer/that, /p/api\\012  podman  i      3 days ago  running             bind     -\n"
        "jailed-c-3     /p/c                        podman  i                  running             bind     none\n");
  const auto read = nlohmann::json::parse(jails_json(kDocker, {one, two, three}));
  REQUIRE(read.size() == 3);
  CHECK(read[1]["further"] == nlohmann::json{{"api", "/p/api\n"}});
  CHECK(read[0]["further"] == nlohmann::json::object());
  CHECK(read[0]["agents"] == nlohmann::json{"claude", "codex"});
  CHECK(read[1]["agents"].is_null());
  CHECK(read[2]["agents"] == nlohmann::json::array());
  CHECK(read[0]["engine"] == "docker");
  CHECK(read[0]["project"] == "/p/a\nb");
  CHECK(read[0]["sync"] == "mutagen");
  CHECK(read[1]["detached"] == false);
  CHECK(nlohmann::json::parse(jails_json(kDocker, {})).empty());
  CHECK_FALSE(jails_json(kDocker, {jail_at("/p/\xff", "3")}).empty());  // not UTF-8
}

TEST_CASE("a detached jail has no lease and waits", "[plan]") {
  Jail jail;
  jail.binds = {{"/s/lease", "/etc/jailed/lease", true}, {"/p", "/workspace", false}};
  const auto left = detached(jail, {});
  CHECK(left.binds == std::vector<BindMount>{{"/p", "/workspace", false}});
  CHECK(left.labels == std::vector<std::string>{"jailed.detached=true"});
  CHECK(left.keeper_command == std::vector<std::string>{"sleep", "infinity"});
  CHECK(left.logged);
  CHECK(detached(jail, {"make", "a b"}).keeper_command == std::vector<std::string>{"make", "a b"});
  jail.keeper_command = {"sh", "-c", "wait"};
  CHECK(detached(jail, {}).keeper_command == jail.keeper_command);
  const auto busy = detached(jail, {"make", "a b"}).keeper_command;
  REQUIRE(busy.size() == 6);
  CHECK(busy[2].find("read -r go </run/jailed-start; \"$@\"; exec sleep infinity") != std::string::npos);
  CHECK(std::vector<std::string>(busy.end() - 2, busy.end()) == std::vector<std::string>{"make", "a b"});
  core::Settings settings;
  check_detached(settings);
  settings.testcontainers = core::Testcontainers::socket;
  check_detached(settings);
  settings.testcontainers = core::Testcontainers::proxy;
  CHECK_THROWS_AS(check_detached(settings), core::UsageError);
}

TEST_CASE("one call stops several", "[plan]") {
  CHECK(stop_command(kDocker, {"a", "b"}).args == std::vector<std::string>{"stop", "--time", "12", "a", "b"});
}

TEST_CASE("a project that is not at its own path is shown with its place", "[plan]") {
  FoundJail jail{.name = "jailed-app-1", .session = "1", .project = "/home/coder/app", .image = "i", .state = "running", .age = "now"};
  CHECK(jails_table(kDocker, {jail}).find("(at") == std::string::npos);
  jail.place = jail.project;
  CHECK(jails_table(kDocker, {jail}).find("(at") == std::string::npos);
  jail.place = place_for(jail.project, "coder", "").workspace;
  CHECK(jails_table(kDocker, {jail}).find("/home/coder/app (at /workspaces/app-") != std::string::npos);
  CHECK(jails_json(kDocker, {jail}).find("\"place\": \"/workspaces/app-") != std::string::npos);
}
