#include <sys/stat.h>
#include <unistd.h>

#include <jailed/host/files/files.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <optional>

#include "catch.hpp"
#include "host/child.hpp"
#include "support.hpp"

using namespace jailed::host;
using jailed::core::Error;
using jailed::core::ExitStatus;
using jailed::test::Child;
using jailed::test::in_child;
using jailed::test::Scratch;

namespace {

constexpr uid_t kUser = 12345;

// Mounts take root's powers, Linux 5.12 and a file system that takes part: where one is missing, nothing is
// tested.
std::optional<std::string> why_not(const std::string& source) {
  if (::geteuid() != 0) return "not root";
  try {
    const auto id = random_hex(6);
    IdmappedMounts mounts(id, kUser, kUser);
    mounts.make();
    mounts.add(source, IdmappedMounts::place(id, "probe"));
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("where a mount will be", "[host]") {
  CHECK(IdmappedMounts::place("0123456789ab", "workspace") == "/run/jailed/0123456789ab/workspace");
}

TEST_CASE("root's files are another user's in an idmapped mount, and what that user writes is root's",
          "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "project");
  write_new_file(scratch / "project/secret", "root's", 0600);
  if (const auto reason = why_not(scratch / "project")) {
    WARN(*reason);
    return;
  }
  const auto id = random_hex(6);
  const auto place = IdmappedMounts::place(id, "workspace");
  {
    IdmappedMounts mounts(id, kUser, kUser);
    mounts.make();
    mounts.add(scratch / "project", place);
    CHECK(lstat_of(place + "/secret")->st_uid == kUser);
    // The way to it is root's alone, so the user enters from the mount itself, as a container does.
    CHECK(in_child([&] {
            if (::chdir(place.c_str()) != 0 || ::setgid(kUser) != 0 || ::setuid(kUser) != 0) return 1;
            if (read_file("secret") != "root's") return 2;
            write_new_file("made", "x", 0600);
            return 0;
          }) == ExitStatus::exited(0));
    IdmappedMounts::sweep();  // what lives stays
    CHECK(lstat_of(place + "/secret"));
  }
  CHECK_FALSE(lstat_of(IdmappedMounts::place(id, "")));
  CHECK(read_file(scratch / "project/secret") == "root's");
  const auto made = lstat_of(scratch / "project/made");
  REQUIRE(made);
  CHECK(made->st_uid == 0);
  CHECK(made->st_gid == 0);
}

TEST_CASE("mounts of a killed process are swept, and never the files in them", "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "project");
  write_new_file(scratch / "project/keep", "x", 0600);
  if (const auto reason = why_not(scratch / "project")) {
    WARN(*reason);
    return;
  }
  const auto id = random_hex(6);
  Child owner([&](auto stay) {
    IdmappedMounts mounts(id, kUser, kUser);
    mounts.make();
    mounts.add(scratch / "project", IdmappedMounts::place(id, "workspace"));
    stay();
  });
  REQUIRE(owner.ready());
  owner.kill();
  CHECK(lstat_of(IdmappedMounts::place(id, "workspace") + "/keep"));
  IdmappedMounts::sweep();
  CHECK_FALSE(lstat_of(IdmappedMounts::place(id, "")));
  CHECK(read_file(scratch / "project/keep") == "x");
}

TEST_CASE("a source that is not there", "[host]") {
  const Scratch scratch;
  if (const auto reason = why_not(scratch.path())) {
    WARN(*reason);
    return;
  }
  const auto id = random_hex(6);
  IdmappedMounts mounts(id, kUser, kUser);
  mounts.make();
  const auto error = jailed::test::error_of([&] { mounts.add(scratch / "absent", IdmappedMounts::place(id, "workspace")); });
  REQUIRE(error);
  CHECK(std::string(error->what()) ==
        "Root's directory " + scratch / "absent" +
            " cannot be handed to a jail without root: No such file or directory.");
}

TEST_CASE("a source that was replaced since it was checked is not mounted", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"project", "secret"}) make_private_directories(scratch / name);
  if (const auto reason = why_not(scratch / "project")) {
    WARN(*reason);
    return;
  }
  const auto checked = lstat_of(scratch / "project");
  const auto id = random_hex(6);
  IdmappedMounts mounts(id, kUser, kUser);
  mounts.make();
  CHECK(jailed::test::error_of([&] { mounts.add(scratch / "project", IdmappedMounts::place(id, "as-it-was"), &*checked); }) == std::nullopt);
  REQUIRE(::rename((scratch / "project").c_str(), (scratch / "moved").c_str()) == 0);
  REQUIRE(::symlink((scratch / "secret").c_str(), (scratch / "project").c_str()) == 0);
  CHECK(jailed::test::message_of([&] { mounts.add(scratch / "project", IdmappedMounts::place(id, "a-link"), &*checked); }).ends_with("a symbolic link leads there now."));
  REQUIRE(::unlink((scratch / "project").c_str()) == 0);
  REQUIRE(::rename((scratch / "secret").c_str(), (scratch / "project").c_str()) == 0);
  CHECK(jailed::test::message_of([&] { mounts.add(scratch / "project", IdmappedMounts::place(id, "another"), &*checked); }) ==
        scratch / "project" + " was replaced while the jail was being prepared.");
}

TEST_CASE("a sweep in another process does not keep a launch from starting", "[host]") {
  const Scratch scratch;
  if (const auto reason = why_not(scratch.path())) {
    WARN(*reason);
    return;
  }
  const auto sweeper = ::fork();
  if (sweeper == 0) {
    while (true) IdmappedMounts::sweep();
  }
  const auto error = jailed::test::error_of([] {
    for (int i = 0; i < 2000; ++i) IdmappedMounts(random_hex(6), kUser, kUser).make();
  });
  ::kill(sweeper, SIGKILL);
  ::waitpid(sweeper, nullptr, 0);
  CHECK(error == std::nullopt);
}
