#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/host/files/files.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::host;
using jailed::core::Error;
using jailed::test::error_of;
using jailed::test::Scratch;

namespace {

mode_t mode_of(const std::string& path) {
  const auto info = lstat_of(path);
  REQUIRE(info);
  return info->st_mode & 07777;
}

// Sets the umask for a while.
class Umask {
 public:
  explicit Umask(mode_t mask) : former_(::umask(mask)) {}
  ~Umask() { ::umask(former_); }

 private:
  mode_t former_;
};

std::string cwd() {
  std::string reason;
  return canonical(".", reason);
}

}  // namespace

TEST_CASE("a canonical path is absolute and free of symbolic links", "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "real/deep");
  REQUIRE(::symlink("real", (scratch / "link").c_str()) == 0);
  REQUIRE(::symlink("loop", (scratch / "loop").c_str()) == 0);
  std::string reason;
  CHECK(canonical(scratch / "link/deep/../deep/", reason) == scratch / "real/deep");
  CHECK(canonical(scratch / "absent", reason) == "");
  CHECK(reason == "No such file or directory");
  CHECK(canonical(scratch / "loop", reason) == "");
  CHECK(reason == "Too many levels of symbolic links");
  CHECK(canonical("", reason) == "");
}

TEST_CASE("a path that is not there yet is canonical as far as it exists", "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "real");
  REQUIRE(::symlink("real", (scratch / "link").c_str()) == 0);
  CHECK(canonical_as_far_as_it_exists(scratch / "link/a/b") == scratch / "real/a/b");
  CHECK(canonical_as_far_as_it_exists(scratch / "link/a/b///") == scratch / "real/a/b");
  CHECK(canonical_as_far_as_it_exists(scratch / "link") == scratch / "real");
  CHECK(canonical_as_far_as_it_exists("/") == "/");
  CHECK(canonical_as_far_as_it_exists("/absent-for-sure/x") == "/absent-for-sure/x");
  CHECK(canonical_as_far_as_it_exists("absent-for-sure/x") == cwd() + "/absent-for-sure/x");
}

TEST_CASE("a dot or two in what is not there yet cannot hide where it will be", "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "project");
  CHECK(canonical_as_far_as_it_exists(scratch / "absent/../project/config") == scratch / "project/config");
  CHECK(canonical_as_far_as_it_exists(scratch / "absent/./x") == scratch / "absent/x");
  CHECK(canonical_as_far_as_it_exists(scratch / "absent/..") == scratch.path());
  CHECK(canonical_as_far_as_it_exists("/absent-for-sure/../../x") == "/x");
}

TEST_CASE("private directories are private whatever the umask, parents included", "[host]") {
  const Scratch scratch;
  {
    const Umask open(0);
    make_private_directories(scratch / "a/b/c");
  }
  for (const auto* name : {"a", "a/b", "a/b/c"}) CHECK(mode_of(scratch / name) == 0700);
  REQUIRE(::chmod((scratch / "a").c_str(), 0755) == 0);
  make_private_directories(scratch / "a/b/c");
  CHECK(mode_of(scratch / "a") == 0755);
  REQUIRE(::symlink("a", (scratch / "link").c_str()) == 0);
  make_private_directories(scratch / "link");
  make_private_directories(scratch / "link/d");
  CHECK(mode_of(scratch / "a/d") == 0700);
}

TEST_CASE("a file in a directory's way is named", "[host]") {
  const Scratch scratch;
  write_new_file(scratch / "file", "", 0600);
  CHECK(error_of([&] { make_private_directories(scratch / "file"); }) ==
        Error("Cannot make the directory " + scratch / "file" + ": Not a directory."));
  CHECK(error_of([&] { make_private_directories(scratch / "file/x/y"); }) ==
        Error("Cannot make the directory " + scratch / "file/x/y" + ": Not a directory."));
  REQUIRE(::symlink("absent", (scratch / "dangling").c_str()) == 0);
  CHECK(error_of([&] { make_private_directories(scratch / "dangling"); }) ==
        Error("Cannot make the directory " + scratch / "dangling" + ": Not a directory."));
}

TEST_CASE("a new file has exactly its content and mode", "[host]") {
  const Scratch scratch;
  const std::string content = std::string("a\0b\n\xff", 5) + std::string(100000, 'x');
  const mode_t mode = GENERATE(0600U, 0644U, 0755U, 0444U);
  const Umask tight(GENERATE(0U, 077U));
  write_new_file(scratch / "file", content, mode);
  CHECK(mode_of(scratch / "file") == mode);
  CHECK(read_file(scratch / "file") == content);
}

TEST_CASE("a file that is there is not written, nor what a link points to", "[host]") {
  const Scratch scratch;
  write_new_file(scratch / "file", "old", 0600);
  REQUIRE(::symlink("file", (scratch / "link").c_str()) == 0);
  REQUIRE(::symlink("fresh", (scratch / "dangling").c_str()) == 0);
  for (const auto* name : {"file", "link", "dangling"}) {
    CHECK(error_of([&] { write_new_file(scratch / name, "new", 0600); }) ==
          Error("Cannot write " + scratch / name + ": File exists."));
  }
  CHECK(read_file(scratch / "file") == "old");
  CHECK_FALSE(lstat_of(scratch / "fresh"));
}

TEST_CASE("a full disk and a read-only place say what to do", "[host]") {
  if (::access("/dev/full", W_OK) == 0 && ::access("/proc/sys", R_OK) == 0) {
    const auto error = error_of([] { write_new_file("/proc/sys/jailed-test", "", 0600); });
    REQUIRE(error);
    CHECK(error->exit_code() == 125);
  }
}

TEST_CASE("what cannot be read is nothing", "[host]") {
  const Scratch scratch;
  CHECK(read_file(scratch / "absent") == std::nullopt);
  write_new_file(scratch / "ten", "0123456789", 0600);
  CHECK(read_file(scratch / "ten", 10) == "0123456789");
  CHECK(read_file(scratch / "ten", 9) == std::nullopt);
  CHECK(read_file(scratch.path()) == std::nullopt);
  CHECK(list_directory(scratch / "absent").empty());
  CHECK(lstat_of(scratch / "absent") == std::nullopt);
}

TEST_CASE("a directory's names, whatever bytes they are", "[host]") {
  const Scratch scratch;
  std::vector<std::string> names = {".hidden", "a b", "\xff", "new\nline"};
  for (const auto& name : names) write_new_file(scratch / name, "", 0600);
  auto listed = list_directory(scratch.path());
  std::sort(listed.begin(), listed.end());
  std::sort(names.begin(), names.end());
  CHECK(listed == names);
}

TEST_CASE("removing a tree does not follow links out of it", "[host]") {
  const Scratch scratch;
  make_private_directories(scratch / "outside");
  write_new_file(scratch / "outside/file", "keep", 0600);
  make_private_directories(scratch / "tree/deep/deeper");
  REQUIRE(::symlink("../outside", (scratch / "tree/link").c_str()) == 0);
  REQUIRE(::symlink("../../outside/file", (scratch / "tree/deep/link").c_str()) == 0);
  REQUIRE(::mkfifo((scratch / "tree/fifo").c_str(), 0400) == 0);
  remove_tree(scratch / "tree");
  CHECK_FALSE(lstat_of(scratch / "tree"));
  CHECK(read_file(scratch / "outside/file") == "keep");
  remove_tree(scratch / "tree");  // gone already

  REQUIRE(::symlink("outside", (scratch / "top").c_str()) == 0);
  remove_tree(scratch / "top");
  CHECK(read_file(scratch / "outside/file") == "keep");
}

TEST_CASE("a temporary directory is private and goes with its owner", "[host]") {
  const Scratch scratch;
  std::string path;
  {
    const TemporaryDirectory directory(scratch / "parent", "build-");
    path = directory.path();
    CHECK(path.starts_with(scratch / "parent/build-"));
    CHECK(mode_of(path) == 0700);
    write_new_file(path + "/file", "", 0600);
  }
  CHECK_FALSE(lstat_of(path));
  CHECK(lstat_of(scratch / "parent"));
}

TEST_CASE("random bytes in hex", "[host]") {
  CHECK(random_hex(6).size() == 12);
  CHECK(random_hex(5).size() == 10);
  CHECK(random_hex(6).find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(random_hex(16) != random_hex(16));
}

TEST_CASE("one owner at a time of a directory's lock", "[host]") {
  const Scratch scratch;
  const auto directory = scratch / "directory";
  make_private_directories(directory);
  auto first = try_lock_directory(directory);
  CHECK(first);
  CHECK_FALSE(try_lock_directory(directory));
  first.reset();
  CHECK(try_lock_directory(directory));
  CHECK_FALSE(try_lock_directory(scratch / "absent"));
  REQUIRE(::symlink(directory.c_str(), (scratch / "link").c_str()) == 0);
  CHECK_FALSE(try_lock_directory(scratch / "link"));
  write_new_file(scratch / "file", "", 0600);
  CHECK_FALSE(try_lock_directory(scratch / "file"));
}

TEST_CASE("a temporary directory that nobody has any more goes with the next of its kind", "[host]") {
  const Scratch scratch;
  const auto left = scratch / "x-0123456789ab";
  for (const auto& path : {left + "/file", scratch / "x-0123456789abc", scratch / "y-0123456789ab"}) make_private_directories(path);
  ::symlink((scratch / "y-0123456789ab").c_str(), (scratch / "x-ba9876543210").c_str());
  const TemporaryDirectory first(scratch.path(), "x-");
  const TemporaryDirectory second(scratch.path(), "x-");
  CHECK_FALSE(lstat_of(left));
  for (const auto& path : {first.path(), second.path(), scratch / "x-0123456789abc", scratch / "y-0123456789ab", scratch / "x-ba9876543210"}) CHECK(lstat_of(path));
}
