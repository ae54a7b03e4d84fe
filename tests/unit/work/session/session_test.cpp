#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <jailed/host/files/files.hpp>
#include <jailed/work/session/session.hpp>
#include <thread>

#include "catch.hpp"
#include "host/child.hpp"
#include "support.hpp"

using namespace jailed::host;
using namespace jailed::work;
using jailed::test::Child;
using jailed::test::error_of;
using jailed::test::Scratch;

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a session is a private directory that goes with its owner when that is done", "[work]") {
  const Scratch scratch;
  std::string path;
  {
    Session session(scratch.path());
    path = session.path();
    CHECK(path == scratch / session.id());
    CHECK(session.id().size() == 12);
    CHECK(session.id().find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK((lstat_of(path)->st_mode & 07777) == 0700);
    write_new_file(path + "/file", "", 0600);
    Session other(scratch.path());
    CHECK(other.id() != session.id());
    session.done();
    other.done();
  }
  CHECK_FALSE(lstat_of(path));
  CHECK(list_directory(scratch.path()).empty());
}

TEST_CASE("whatever is thrown, a session that is not done stays for the next jailed", "[work]") {
  const Scratch scratch;
  std::string id;
  CHECK_THROWS([&] {
    const Session session(scratch.path());
    id = session.id();
    write_new_file(session.path() + "/work", "", 0600);
    throw std::runtime_error("at any step");
  }());
  CHECK(lstat_of(scratch / id + "/work"));
  CHECK(abandoned_sessions(scratch.path()) == std::vector<std::string>{id});
}

TEST_CASE("a session without a place says so", "[work]") {
  const Scratch scratch;
  const auto error = error_of([&] { Session(scratch / "absent"); });
  REQUIRE(error);
  CHECK(std::string(error->what()).starts_with("Cannot make the session directory " + scratch / "absent/"));
  CHECK(std::string(error->what()).ends_with(": No such file or directory."));
  CHECK(error->exit_code() == 125);
}

TEST_CASE("a living session is not abandoned, and nobody can remove it", "[work]") {
  const Scratch scratch;
  const Session session(scratch.path());
  CHECK(abandoned_sessions(scratch.path()).empty());
  remove_session(scratch.path(), session.id());
  CHECK(lstat_of(session.path()));
}

TEST_CASE("a session of another process lives until that is killed", "[work]") {
  const Scratch scratch;
  Child owner([&](auto stay) {
    const Session session(scratch.path());
    write_new_file(session.path() + "/passwd", "", 0644);
    stay();
  });
  REQUIRE(owner.ready());
  const auto ids = list_directory(scratch.path());
  REQUIRE(ids.size() == 1);
  CHECK(abandoned_sessions(scratch.path()).empty());
  owner.kill();
  CHECK(abandoned_sessions(scratch.path()) == ids);
  CHECK(abandoned_sessions(scratch.path()) == ids);  // looking takes nothing
  remove_session(scratch.path(), ids.front());
  CHECK(list_directory(scratch.path()).empty());
  CHECK(abandoned_sessions(scratch.path()).empty());
}

TEST_CASE("what a death watch tidies up is waited for", "[work]") {
  const Scratch scratch;
  const auto id = new_session_id();
  make_private_directories(scratch / id);
  auto held = try_share_directory(scratch / id);
  REQUIRE(held);
  CHECK(session_is_owned(scratch.path(), id));
  std::thread watch([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    held.reset();
  });
  CHECK(abandoned_sessions(scratch.path()) == std::vector<std::string>{id});
  watch.join();
  held = try_share_directory(scratch / id);
  watch = std::thread([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    held.reset();
  });
  CHECK(AbandonedSession(scratch.path(), id));
  watch.join();
}

TEST_CASE("only directories are sessions", "[work]") {
  const Scratch scratch;
  const Scratch elsewhere;
  write_new_file(elsewhere / "keep", "", 0600);
  write_new_file(scratch / "file", "", 0600);
  REQUIRE(::symlink(elsewhere.path().c_str(), (scratch / "link").c_str()) == 0);
  REQUIRE(::mkdir((scratch / "notes").c_str(), 0700) == 0);
  write_new_file(scratch / "0123456789ab", "", 0600);
  REQUIRE(::symlink(elsewhere.path().c_str(), (scratch / "ba9876543210").c_str()) == 0);
  REQUIRE(::mkdir((scratch / "0123456789abc").c_str(), 0700) == 0);
  CHECK(session_ids(scratch.path()).empty());
  CHECK(abandoned_sessions(scratch.path()).empty());
  remove_session(scratch.path(), "link");
  remove_session(scratch.path(), "file");
  CHECK(lstat_of(elsewhere / "keep"));
  CHECK(abandoned_sessions(scratch / "absent").empty());
}

TEST_CASE("a sweep in another process does not take a new session", "[work]") {
  const Scratch scratch;
  const auto sweeper = ::fork();
  if (sweeper == 0) {
    while (true) {
      for (const auto& id : abandoned_sessions(scratch.path())) remove_session(scratch.path(), id);
    }
  }
  int lost = 0;
  const auto error = jailed::test::error_of([&] {
    for (int i = 0; i < 2000; ++i) {
      Session session(scratch.path());
      if (!lstat_of(session.path())) ++lost;
      session.done();
    }
  });
  ::kill(sweeper, SIGKILL);
  ::waitpid(sweeper, nullptr, 0);
  CHECK(error == std::nullopt);
  CHECK(lost == 0);
}
