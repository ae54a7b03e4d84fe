#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <thread>

#include "catch.hpp"
#include "child.hpp"
#include "support.hpp"

using namespace jailed::host;
using jailed::core::Error;
using jailed::core::ExitStatus;
using jailed::test::Child;
using jailed::test::error_of;
using jailed::test::in_child;
using jailed::test::Scratch;

namespace {

using Words = std::vector<std::string>;

// What comes next on a FIFO: a byte, -1 at its end, -2 when nothing comes for a while.
int next_on(const Fd& fifo, int timeout_ms) {
  pollfd waiting{fifo.get(), POLLIN, 0};
  if (::poll(&waiting, 1, timeout_ms) <= 0) return -2;
  unsigned char byte = 0;
  return ::read(fifo.get(), &byte, 1) == 1 ? byte : -1;
}

Fd open_for_reading(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

constexpr uid_t kStranger = 12345;

}  // namespace

TEST_CASE("a session is a private directory that goes with its owner when that is done", "[host]") {
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

TEST_CASE("whatever is thrown, a session that is not done stays for the next jailed", "[host]") {
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

TEST_CASE("a session without a place says so", "[host]") {
  const Scratch scratch;
  const auto error = error_of([&] { Session(scratch / "absent"); });
  REQUIRE(error);
  CHECK(std::string(error->what()).starts_with("Cannot make the session directory " + scratch / "absent/"));
  CHECK(std::string(error->what()).ends_with(": No such file or directory."));
  CHECK(error->exit_code() == 125);
}

TEST_CASE("a living session is not abandoned, and nobody can remove it", "[host]") {
  const Scratch scratch;
  const Session session(scratch.path());
  CHECK(abandoned_sessions(scratch.path()).empty());
  remove_session(scratch.path(), session.id());
  CHECK(lstat_of(session.path()));
}

TEST_CASE("a session of another process lives until that is killed", "[host]") {
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

TEST_CASE("what a death watch tidies up is waited for", "[host]") {
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

TEST_CASE("only directories are sessions", "[host]") {
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

TEST_CASE("a lease carries signals, and ends with its release", "[host]") {
  const Scratch scratch;
  Lease lease(scratch / "lease");
  REQUIRE(lease);
  CHECK(lease.path() == scratch / "lease");
  const auto reader = open_for_reading(lease.path());
  REQUIRE(reader);
  CHECK_FALSE(lease.was_read());
  CHECK(next_on(reader, 0) == 0);  // no signal: who takes it begins the command
  CHECK(lease.was_read());
  CHECK(next_on(reader, 0) == -2);
  CHECK(lease.send(SIGTERM));
  CHECK(lease.send(SIGHUP));
  CHECK(next_on(reader, 1000) == SIGTERM);
  CHECK(next_on(reader, 1000) == SIGHUP);
  CHECK(next_on(reader, 20) == -2);
  lease.release();
  CHECK(next_on(reader, 1000) == -1);
  CHECK_FALSE(lease);
  CHECK_FALSE(lease.send(SIGTERM));
}

TEST_CASE("a lease ends when its owner is killed by -9", "[host]") {
  const Scratch scratch;
  Child owner([&](auto stay) {
    const Lease lease(scratch / "lease");
    if (lease) stay();
  });
  REQUIRE(owner.ready());
  const auto reader = open_for_reading(scratch / "lease");
  REQUIRE(reader);
  CHECK(next_on(reader, 50) == 0);
  CHECK(next_on(reader, 50) == -2);
  owner.kill();
  CHECK(next_on(reader, 2000) == -1);
}

TEST_CASE("nobody else can hold a lease", "[host]") {
  const Scratch scratch;
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  const Lease lease(scratch / "lease");
  REQUIRE(lease);
  CHECK((lstat_of(lease.path())->st_mode & 07777) == 0444);
  CHECK(S_ISFIFO(lstat_of(lease.path())->st_mode));
  const auto end = in_child([&] {
    if (::geteuid() == 0 && ::setuid(kStranger) != 0) return 1;
    if (::open(lease.path().c_str(), O_RDONLY | O_NONBLOCK) < 0) return 2;
    if (::open(lease.path().c_str(), O_WRONLY | O_NONBLOCK) >= 0) return 3;
    if (::open(lease.path().c_str(), O_RDWR | O_NONBLOCK) >= 0) return 4;
    return 0;
  });
  CHECK(end == ExitStatus::exited(0));
}

TEST_CASE("a reader that does not read cannot block the owner", "[host]") {
  const Scratch scratch;
  const Lease lease(scratch / "lease");
  REQUIRE(lease);
  int sent = 0;
  while (sent < 1000000 && lease.send(SIGTERM)) ++sent;
  CHECK(sent < 1000000);
}

TEST_CASE("a lease whose place is taken is empty", "[host]") {
  const Scratch scratch;
  write_new_file(scratch / "lease", "mine", 0600);
  const Lease lease(scratch / "lease");
  CHECK_FALSE(lease);
  CHECK_FALSE(lease.send(SIGTERM));
  CHECK(read_file(scratch / "lease") == "mine");
  CHECK((lstat_of(scratch / "lease")->st_mode & 07777) == 0600);
  CHECK_FALSE(Lease(scratch / "absent/lease"));
}

TEST_CASE("a sweep in another process does not take a new session", "[host]") {
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
