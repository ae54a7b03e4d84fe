#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/files/files.hpp>
#include <thread>

#include "catch.hpp"
#include "support.hpp"

using jailed::host::copy_beneath;
using jailed::host::read_file;
using jailed::test::Scratch;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a login is copied once, privately", "[host]") {
  const Scratch scratch;
  write(scratch / "from/claude/.credentials.json", "token");
  fs::create_directory(scratch / "to");
  CHECK(copy_beneath(scratch / "from", scratch / "to", "claude/.credentials.json", 100));
  CHECK(read_file(scratch / "to/claude/.credentials.json") == "token");
  CHECK((jailed::host::lstat_of(scratch / "to/claude/.credentials.json")->st_mode & 07777) == 0600);
  CHECK((jailed::host::lstat_of(scratch / "to/claude")->st_mode & 07777) == 0700);
  write(scratch / "from/claude/.credentials.json", "newer");
  CHECK_FALSE(copy_beneath(scratch / "from", scratch / "to", "claude/.credentials.json", 100));
  CHECK(read_file(scratch / "to/claude/.credentials.json") == "token");
}

TEST_CASE("what is no plain file of the tree, or too long, is not copied", "[host]") {
  const Scratch scratch;
  write(scratch / "outside", "secret");
  fs::create_directories(scratch / "from/a");
  fs::create_directory(scratch / "to");
  fs::create_symlink(scratch / "outside", scratch / "from/a/link");
  fs::create_directory_symlink(scratch / ".", scratch / "from/b");
  REQUIRE(::mkfifo((scratch / "from/a/fifo").c_str(), 0600) == 0);
  write(scratch / "from/a/long", std::string(101, 'x'));
  for (const auto* name : {"a/link", "b/outside", "a/fifo", "a/long", "a/missing", "missing/x", "a"}) {
    CAPTURE(name);
    CHECK_FALSE(copy_beneath(scratch / "from", scratch / "to", name, 100));
    CHECK_FALSE(fs::is_regular_file(scratch / ("to/" + std::string(name))));
  }
  CHECK_FALSE(fs::exists(scratch / "to/a/long"));
}

TEST_CASE("nothing is written through a link in the target", "[host]") {
  const Scratch scratch;
  write(scratch / "from/claude/x", "token");
  fs::create_directories(scratch / "to");
  fs::create_directory(scratch / "victim");
  fs::create_directory_symlink(scratch / "victim", scratch / "to/claude");
  CHECK_FALSE(copy_beneath(scratch / "from", scratch / "to", "claude/x", 100));
  CHECK(fs::is_empty(scratch / "victim"));
}

TEST_CASE("a directory that is swapped for a link all the time is never followed", "[host]") {
  const Scratch scratch;
  write(scratch / "secret/x", "secret");
  write(scratch / "from/real/x", "token");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    fs::create_directory_symlink(scratch / "secret", scratch / "from/link");
    while (!stop) {
      ::rename((scratch / "from/real").c_str(), (scratch / "from/claude").c_str());
      ::rename((scratch / "from/claude").c_str(), (scratch / "from/real").c_str());
      ::rename((scratch / "from/link").c_str(), (scratch / "from/claude").c_str());
      ::rename((scratch / "from/claude").c_str(), (scratch / "from/link").c_str());
    }
  });
  int copied = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto to = scratch / ("to" + std::to_string(i));
    fs::create_directory(to);
    if (!copy_beneath(scratch / "from", to, "claude/x", 100)) continue;
    ++copied;
    REQUIRE(read_file(to + "/claude/x") == "token");
  }
  stop = true;
  swapper.join();
  CHECK(copied > 0);
}

TEST_CASE("a file is made below a directory once, privately, and through no link", "[host]") {
  const Scratch scratch;
  fs::create_directories(scratch / "to");
  fs::create_directories(scratch / "elsewhere");
  fs::create_directory_symlink(scratch / "elsewhere", scratch / "to/link");
  using jailed::host::is_beneath;
  using jailed::host::write_new_beneath;
  CHECK(write_new_beneath(scratch / "to", "a/b/login", "text"));
  CHECK(read_file(scratch / "to/a/b/login") == "text");
  CHECK((fs::status(scratch / "to/a/b/login").permissions() & fs::perms::all) == fs::perms(0600));
  CHECK_FALSE(write_new_beneath(scratch / "to", "a/b/login", "other"));
  CHECK_FALSE(write_new_beneath(scratch / "to", "link/login", "text"));
  CHECK(fs::is_empty(scratch / "elsewhere"));
  CHECK(is_beneath(scratch / "to", "a/b/login"));
  CHECK(is_beneath(scratch / "to", "link"));
  CHECK_FALSE(is_beneath(scratch / "to", "a/none"));
  CHECK_FALSE(is_beneath(scratch / "to", "link/login"));
}
