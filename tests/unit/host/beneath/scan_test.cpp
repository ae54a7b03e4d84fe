#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <thread>

#include "support.hpp"
#include "catch.hpp"

using namespace jailed::host;
using jailed::test::Scratch;

namespace {

void make(const std::string& path) { ::mkdir(path.c_str(), 0755); }
void write(const std::string& path, const std::string& text = "x") { std::ofstream(path) << text; }

struct Walk {
  std::vector<std::string> names, unreadable;
  explicit Walk(const std::string& root, ScanLimits limits = {}) {
    scan_tree(
        root, limits,
        [&](const ScannedDirectory& directory) {
          for (const auto& name : directory.names) {
            const char* kind = name.kind == ScannedName::Kind::file        ? ""
                               : name.kind == ScannedName::Kind::directory ? "/"
                               : name.kind == ScannedName::Kind::link      ? "@"
                                                                           : "?";
            names.push_back((directory.path.empty() ? "" : directory.path + "/") + std::string(name.name) +
                            kind);
          }
        },
        [&](const std::string& path) { unreadable.push_back(path); });
    std::sort(names.begin(), names.end());
  }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a scan tells kinds, enters directories, follows no link", "[host]") {
  const Scratch scratch;
  make(scratch / "a");
  make(scratch / "a/b");
  write(scratch / "a/b/file");
  ::symlink("/etc", (scratch / "a/link").c_str());
  ::mkfifo((scratch / "fifo").c_str(), 0600);
  CHECK(Walk(scratch.path()).names == Strings{"a/", "a/b/", "a/b/file", "a/link@", "fifo?"});
}

TEST_CASE("a large directory is read to its end", "[host]") {
  const Scratch scratch;
  for (int i = 0; i < 3000; ++i) write(scratch / (std::string(60, 'n') + std::to_string(i)), "");
  CHECK(Walk(scratch.path()).names.size() == 3000);
}

TEST_CASE("what is beyond the limits, or closed, is told", "[host]") {
  const Scratch scratch;
  auto path = scratch.path();
  for (int i = 0; i < 6; ++i) make(path += "/d");
  CHECK(Walk(scratch.path(), {.depth = 4}).unreadable == Strings{"d/d/d/d"});
  CHECK(Walk(scratch.path(), {.names = 2}).unreadable.size() == 1);
  CHECK(Walk(scratch / "nowhere").unreadable == Strings{""});
  if (::geteuid() == 0) return;  // root reads everything
  ::chmod((scratch / "d/d").c_str(), 0111);
  CHECK(Walk(scratch.path()).unreadable == Strings{"d/d"});
  ::chmod((scratch / "d/d").c_str(), 0400);
  CHECK(Walk(scratch.path()).unreadable == Strings{"d/d", "d/d"});
  CHECK_FALSE(walk_tree(scratch.path(), 100, [](const std::string&, const struct stat&) { return true; }));
  const Walk opened(scratch.path(), {.open_up = true});
  CHECK(opened.unreadable.empty());
  CHECK(opened.names.size() == 6);
}

TEST_CASE("moving away follows no link", "[host]") {
  const Scratch scratch;
  make(scratch / "project");
  make(scratch / "project/sub");
  make(scratch / "outside");
  write(scratch / "project/sub/.envrc", "evil");
  write(scratch / "outside/.envrc", "mine");
  CHECK_FALSE(move_below(scratch / "project", "sub/.envrc", scratch / "kept"));
  CHECK(read_file(scratch / "kept") == "evil");
  CHECK_FALSE(lstat_of(scratch / "project/sub/.envrc"));
  // Somebody swaps the directory for a link.
  ::rmdir((scratch / "project/sub").c_str());
  ::symlink((scratch / "outside").c_str(), (scratch / "project/sub").c_str());
  CHECK(move_below(scratch / "project", "sub/.envrc", scratch / "kept2"));
  CHECK(read_file(scratch / "outside/.envrc") == "mine");
  CHECK_FALSE(put_below(scratch / "kept", scratch / "project", "sub/new"));
  CHECK_FALSE(move_below(scratch / "project", "sub", scratch / "kept3"));
  CHECK(S_ISLNK(lstat_of(scratch / "kept3")->st_mode));
  CHECK(move_below(scratch / "project", "../outside/.envrc", scratch / "kept4"));
}

#if JAILED_LINUX
TEST_CASE("what root puts back is its owner's, and nothing that takes its name meanwhile", "[host]") {
  if (::geteuid() != 0) return;
  const Scratch scratch;
  make(scratch / "project");
  ::chown((scratch / "project").c_str(), 1234, 1234);
  std::ofstream(scratch / "former") << std::string(std::size_t{32} << 20, 'x');
  std::ofstream(scratch / "project/secret") << "root's";
  std::atomic<bool> done = false;
  std::thread owner([&] {
    while (!done && ::renameat2(AT_FDCWD, (scratch / "project/secret").c_str(), AT_FDCWD, (scratch / "project/.envrc").c_str(), RENAME_EXCHANGE) != 0) {
    }
  });
  CHECK(put_below(scratch / "former", scratch / "project", ".envrc"));
  done = true;
  owner.join();
  CHECK(lstat_of(scratch / "project/.envrc")->st_uid == 0);  // root's file is there by now
  CHECK(read_file(scratch / "project/.envrc") == "root's");
  CHECK(lstat_of(scratch / "project/secret")->st_uid == 1234);
}
#endif

TEST_CASE("moving away works from one file system to another", "[host]") {
  const Scratch scratch;
  if (!lstat_of("/dev/shm") || lstat_of("/dev/shm")->st_dev == lstat_of(scratch.path())->st_dev) return;
  const TemporaryDirectory other("/dev/shm", "jailed-unit-");
  const auto to = other.path() + "/kept";
  make(scratch / "repo");
  make(scratch / "repo/hooks");
  write(scratch / "repo/hooks/x", "evil");
  ::chmod((scratch / "repo/hooks/x").c_str(), 0755);
  ::symlink("/etc/passwd", (scratch / "repo/link").c_str());
  ::mkfifo((scratch / "repo/fifo").c_str(), 0600);
  CHECK_FALSE(move_below(scratch.path(), "repo", to));
  CHECK_FALSE(lstat_of(scratch / "repo"));
  CHECK(read_file(to + "/hooks/x") == "evil");
  CHECK((lstat_of(to + "/hooks/x")->st_mode & 0777) == 0755);
  CHECK(S_ISLNK(lstat_of(to + "/link")->st_mode));
  CHECK_FALSE(lstat_of(to + "/fifo"));
}

TEST_CASE("the clock of files is at most a tick ahead of what is written afterwards", "[host]") {
  constexpr std::int64_t tick = 10'000'000;
  const Scratch scratch;
  const auto before = file_clock();
  write(scratch / "file");
  CHECK(change_time(*lstat_of(scratch / "file")) >= before - tick);
}

TEST_CASE("of a directory with more names than are wanted no more are kept", "[host]") {
  const Scratch scratch;
  for (int i = 0; i < 5000; ++i) write(scratch / (std::string(200, 'n') + std::to_string(i)), "");
  const Walk walk(scratch.path(), {.names = 100});
  CHECK(walk.names.size() == 100);
  CHECK(walk.unreadable == Strings{""});
  make(scratch / "a");
  write(scratch / "a/b");
  CHECK(names_below(scratch.path(), "a") == Strings{"b"});
  CHECK(names_below(scratch.path(), "", 100).empty());
  ::symlink((scratch / "a").c_str(), (scratch / "link").c_str());
  CHECK(names_below(scratch.path(), "link").empty());
}

TEST_CASE("no link on the way to a root is followed", "[host]") {
  const Scratch scratch;
  make(scratch / "outside");
  make(scratch / "outside/root");
  write(scratch / "outside/root/file");
  ::symlink("outside", (scratch / "link").c_str());
  const auto root = scratch / "link/root";
  CHECK(Walk(root).names.empty());
  CHECK(Walk(root).unreadable == Strings{""});
  CHECK_FALSE(open_directory_below(root, ""));
  CHECK_FALSE(read_below(root, "file", 10));
  CHECK(move_below(root, "file", scratch / "moved"));
  CHECK_FALSE(put_below(scratch / "outside/root/file", root, "new"));
  CHECK_FALSE(stat_below(root, "file"));
  CHECK_FALSE(write_new_beneath(root, "new", "x"));
  CHECK_FALSE(copy_beneath(root, scratch.path(), "file", 100));
  CHECK(Walk(scratch / "outside/root").names == Strings{"file"});
  CHECK(Walk(scratch / "outside/root").unreadable.empty());
}

TEST_CASE("only a directory is closed, whatever is at its place by then", "[host]") {
  const Scratch scratch;
  make(scratch / "outside");
  make(scratch / "moved");
  ::symlink("outside", (scratch / "link").c_str());
  write(scratch / "file");
  const auto mode = [&](const char* name) { return lstat_of(scratch / name)->st_mode & 07777; };
  const auto of_file = mode("file");
  for (const auto* name : {"link", "file", "moved"}) close_directory(scratch / name);
  CHECK(mode("outside") == 0755);
  CHECK(mode("file") == of_file);
  CHECK(mode("moved") == 0);
}
