#include <jailed/plan/sync/problems.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};
using Problems = std::vector<SyncProblem>;

}  // namespace

TEST_CASE("what the user can mend waits, what can never be a file here is archived", "[plan]") {
  SyncState state;
  CHECK(what_stays_away(state).nothing());
  state.unread = {{"locked", "unable to open directory: permission denied"}, {"d/caf\xEF\xBF\xBD (non-UTF-8)", "non-UTF-8 filename"}};
  state.unwritten = {{"a:b", "unable to create file: invalid argument"}, {"long", "unable to create directory: file name too long"}};
  auto away = what_stays_away(state);
  CHECK(away.in_the_way.empty());
  CHECK(away.archived == std::vector<std::string>{"locked", "a:b", "long"});
  CHECK(away.odd_names);
  CHECK(away.impossible.size() == 4);
  for (const auto* reason : {"unable to remove file: operation not permitted", "unable to write: no space left on device",
                             "unable to create file: permission denied", "unable to create file: read-only file system"}) {
    state.unwritten = {{"f", reason}};
    state.more_unwritten = 3;
    away = what_stays_away(state);
    CHECK(away.in_the_way == Problems{{"f", reason}});
    CHECK(away.more_in_the_way == 3);
  }
}

TEST_CASE("where Mutagen does not name all that stays away, the whole project is archived", "[plan]") {
  SyncState state;
  state.unread = {{"a\xEF\xBF\xBD (non-UTF-8)", "non-UTF-8 filename"}};
  state.more_unread = 1;
  CHECK(what_stays_away(state).archived == std::vector<std::string>{""});
  CHECK_FALSE(what_stays_away(state).odd_names);
  state = {};
  state.unwritten = {{"long", "file name too long"}};
  state.more_unwritten = 1;
  CHECK(what_stays_away(state).archived == std::vector<std::string>{""});
}

TEST_CASE("what is said of a repository, which is not Mutagen's to bring, counts for nothing", "[plan]") {
  SyncState state;
  state.unread = {{".git", "scan crossed filesystem boundary"}, {"sub/.GIT/x", "denied"}};
  state.unwritten = {{"a/.git", "denied"}};
  state.not_carried = {{".git", "denied"}};
  CHECK(what_stays_away(state).nothing());
  CHECK(left_out(state).nothing());
  state.unread = {{".github", "denied"}};
  CHECK_FALSE(what_stays_away(state).nothing());
}

TEST_CASE("a file is left out by its name, or with what it is in", "[plan]") {
  const LeftOut left{{{"secret", "denied"}, {"d/locked", "denied"}}, 0};
  CHECK(is_left_out(left, "secret"));
  CHECK(is_left_out(left, "d/locked/f"));
  CHECK(is_left_out({}, "caf\xE9"));
  CHECK_FALSE(is_left_out(left, "secrets"));
  CHECK_FALSE(is_left_out(left, "d/ok"));
  CHECK_FALSE(is_left_out(left, "caf\xC3\xA9"));
}

TEST_CASE("a commit that deletes what the jail never had is told by its path", "[plan]") {
  const std::string zero(40, '0'), id(40, '1');
  const std::string raw = ":100644 100644 " + id + " " + id + " M" + '\0' + "kept" + '\0' + ":100644 000000 " + id + " " + zero +
                          " D" + '\0' + "caf\xE9" + '\0';
  CHECK(deleted_unseen(raw, {"kept", "caf\xE9"}) == "caf\xE9");
  CHECK_FALSE(deleted_unseen(raw, {"kept"}));
  CHECK_FALSE(deleted_unseen("", {"kept"}));
}

TEST_CASE("a session of Mutagen's is made again as it was", "[plan]") {
  SessionRecord record;
  record.syncs = {{.id = "0123456789ab", .project = "/p", .container = "c", .ignores = {"/dist", "/.bare"}}};
  REQUIRE(sync_of(record, ""));
  CHECK(sync_of(record, "")->ignores == std::vector<std::string>{"/dist", "/.bare"});
  CHECK_FALSE(sync_of(record, "api"));
  set_sync(record, {.id = "0123456789ab", .project = "/q", .container = "c", .ignores = {"x"}, .name = "api"});
  set_sync(record, {.id = "0123456789ab", .project = "/r", .container = "c", .ignores = {"y"}, .name = "api"});
  CHECK(record.syncs.size() == 2);
  CHECK(sync_of(record, "api")->ignores == std::vector<std::string>{"y"});
}

TEST_CASE("archives of what stays away are whole or fail", "[plan]") {
  CHECK(archive_whole_command(kDocker, "c", {"-a", ""}, "/workspace").args ==
        std::vector<std::string>{"exec", "--workdir", "/workspace", "c", "/bin/tar", "-c", "--one-file-system", "--no-wildcards", "--", "-a", "."});
  CHECK(open_up_command(kDocker, "c", "/projects/a b").args.back() == "/projects/a b");
  CHECK(missing_files_command(kDocker, "c", "/workspace").args.back() == "--deleted");
}
