#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jailed/core/platform.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/lease.hpp>

#include "catch.hpp"
#include "host/child.hpp"
#include "support.hpp"

#if JAILED_LINUX

using namespace jailed::host;
using jailed::core::ExitStatus;
using jailed::test::Child;
using jailed::test::in_child;
using jailed::test::Scratch;

namespace {

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

#endif
