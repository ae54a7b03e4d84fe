#include <jailed/core/error.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};

const std::string kId = "0123456789ab";

SessionRecord record_of(const std::string& project) {
  SessionRecord record;
  record.id = kId;
  record.project = project;
  record.engine = engine_key(kDocker);
  record.image = "jailed:mine";
  record.user = "coder";
  record.identity = {7, 8};
  return record;
}

KnownSession session_of(const std::string& project, bool synced = false) {
  KnownSession session{.there = true, .detached = true, .record = record_of(project), .further = {{"api", "/p/api"}}};
  session.record->synced = synced;
  return session;
}

FoundJail claim(const std::string& project) {
  return {.name = container_name(project, kId), .session = kId, .project = project, .image = "the label's", .state = "running", .age = ""};
}

// The reader of a hostile answer: name, session, project and id of one container.
FoundJail read(const std::string& name, const std::string& session, const std::string& project, const std::string& id = {}) {
  const auto jails = parse_jails(kDocker, nlohmann::json::array({name, session, project, "i", "running", "", "", "", "", "evil:/etc", id}).dump()).jails;
  REQUIRE(jails.size() == 1);
  return jails.front();
}

}  // namespace

TEST_CASE("a container is a jail when all of it agrees with its session; what is acted on is the session's", "[plan]") {
  const auto jail = agreed(kDocker, claim("/p/app"), session_of("/p/app"));
  CHECK_FALSE(jail.foreign);
  CHECK(jail.image == "jailed:mine");
  CHECK(jail.detached);
  CHECK(jail.further == std::vector<NamedProject>{{"api", "/p/api"}});
  // Engines spoil such a project's label, and it has no other.
  auto spoiled = claim("/p/a\xff");
  spoiled.project = "/p/a\xEF\xBF\xBD";
  CHECK(agreed(kDocker, spoiled, session_of("/p/a\xff")).project == "/p/a\xff");
}

TEST_CASE("what does not agree is foreign, and says why and what to type", "[plan]") {
  auto other_name = claim("/p/app");
  other_name.name = "jailed-app";
  auto synced = claim("/p/app");
  synced.synced = true;
  auto silent = session_of("/p/app");
  silent.record.reset();
  auto elsewhere = session_of("/p/app");
  elsewhere.record->engine = "podman";
  for (const auto& [jail, session] : std::vector<std::pair<FoundJail, KnownSession>>{{claim("/p/app"), {}},
                                                                                   {claim("/p/app"), silent},
                                                                                   {claim("/p/app"), elsewhere},
                                                                                   {claim("/p/app"), session_of("/p/other")},
                                                                                   {claim("/q/app"), session_of("/p/app")},
                                                                                   {other_name, session_of("/p/app")},
                                                                                   {synced, session_of("/p/app")}}) {
    const auto found = agreed(kDocker, jail, session);
    REQUIRE(found.foreign);
    CHECK_FALSE(found.foreign->why.empty());
    CHECK(found.foreign->next_step.find("docker rm --force " + jail.name) != std::string::npos);
    CHECK_THROWS_AS(choose_jail({found}, found.name, "/"), jailed::core::UsageError);
    CHECK_THROWS_AS(choose_jail({found}, "", "/p/app"), jailed::core::UsageError);
    CHECK(own_jails({found}).empty());
  }
}

TEST_CASE("an answer with values that no jailed writes is foreign before anything is made of it", "[plan]") {
  CHECK_FALSE(read("jailed-app-" + kId, kId, "/p/app").foreign);
  for (const auto* session : {"../../../project/evil", "", ".", "0123456789AB", "0123456789abc", "0123456789a/", "0123456789a\n"}) {
    const auto jail = read("jailed-app", session, "/p/app");
    CHECK(jail.foreign);
    CHECK(jail.session.empty());
    CHECK(jail.further.empty());
  }
  for (const auto* name : {"", "--all", "-f", "a b", "a/b", "a;b", "\xC3\xBC", "a\nb"}) CHECK(read(name, kId, "/p/app").foreign);
  for (const auto* project : {"", "p", "/p/../q", "/..", "/p/./q"}) CHECK(read("jailed-app", kId, project).foreign);
  CHECK(read("jailed-app", kId, std::string("/p\0x", 4)).foreign);
  for (const auto* id : {"c0ffee", "--all", "0123456789ab ", "../0123456789ab"}) CHECK(read("jailed-app", kId, "/p/app", id).foreign);
  CHECK(read("jailed\033[2Japp", kId, "/p/app").name == "jailed\\033[2Japp");
  CHECK(read("jailed-app", kId, "/p/" + std::string(9000, 'x')).project.size() < 400);
}

TEST_CASE("a volume is brought home by what its session says", "[plan]") {
  const Volume claimed{.name = container_name("/p/app", kId), .session = kId, .project = "/p/app", .image = "", .user = "root", .identity = {0, 0}};
  const auto volume = agreed(kDocker, claimed, session_of("/p/app", true));
  CHECK_FALSE(volume.foreign);
  CHECK(volume.user == "coder");
  CHECK(volume.identity == Identity{7, 8});
  CHECK(volume.image == "jailed:mine");
  CHECK(agreed(kDocker, claimed, session_of("/p/app", false)).foreign);
  CHECK(agreed(kDocker, claimed, session_of("/p/other", true)).foreign);
  const auto foreign = agreed(kDocker, claimed, {}).foreign;
  REQUIRE(foreign);
  CHECK(foreign->next_step.find("volume rm " + claimed.name) != std::string::npos);
}

TEST_CASE("of an answer that is a name a line only names become words of a command", "[plan]") {
  CHECK(names_in("0123456789ab\n--all\n-f\n\na b\n../x\nvolume_1\nx\r\nlast") == std::vector<std::string>{"0123456789ab", "volume_1", "last"});
  CHECK(names_in("").empty());
}

TEST_CASE("Mutagen's words: numbers are bounded, conflicts lead nowhere but below the project", "[plan]") {
  const auto state = parse_sync_state(R"([{"status": "a\u001b", "lastError": "b\n", "alpha": {"files": 18446744073709551615, "connected": "yes", "stagingProgress": 5},
    "beta": [], "conflicts": [{"root": "a/b"}, {"root": ""}, {}, {"root": "../x"}, {"root": "a/../../x"}, {"root": "/etc"}, {"root": 5}, 7], "excludedConflicts": -1}])");
  REQUIRE(state);
  CHECK(state->status == "a\\033");
  CHECK(state->last_error == "b\\012");
  CHECK(state->files_home == std::uint64_t{1} << 53);
  CHECK_FALSE(state->connected);
  CHECK(state->conflicts == std::vector<std::string>{"a/b", "", ""});
  CHECK(state->more_conflicts == 5);
  for (const auto* text : {"", "[]", "[5]", "{}", "[[]]"}) CHECK_FALSE(parse_sync_state(text));
}

TEST_CASE("another machine's architecture becomes part of a path only when it can be one", "[plan]") {
  CHECK(parse_machine(kDocker, "1000 x86_64 false\n"));
  CHECK(parse_machine(kDocker, "18446744073709551615 riscv64 false\n")->machine.memory == std::uint64_t{1} << 50);
  for (const auto* answer : {"1000 ../../../../home false", "1000 /etc false", "1000 a/b false", "1000 .. false", "1000 A\033 false", "0 x86_64 false", ""})
    CHECK_FALSE(parse_machine(kDocker, answer));
}
