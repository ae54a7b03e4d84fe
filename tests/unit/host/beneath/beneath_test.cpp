#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>
#include <atomic>
#include <algorithm>
#include <csignal>
#include <fstream>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>

#include "support.hpp"
#include "catch.hpp"

using namespace jailed::host;
using jailed::test::Scratch;

namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Fd open_directory(const std::string& path) { return Fd(::open(path.c_str(), kDirectory)); }

void write_at(int directory, const char* name, const std::string& text) {
  const Fd file(::openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

// A file "end" below `depth` directories, each called `name`.
void make_deep(const std::string& root, int depth, const std::string& name = "d") {
  Fd here = open_directory(root);
  for (int i = 0; i < depth; ++i) {
    REQUIRE(::mkdirat(here.get(), name.c_str(), 0755) == 0);
    here = Fd(::openat(here.get(), name.c_str(), kDirectory));
    REQUIRE(here);
  }
  write_at(here.get(), "end", "evil");
}

// How deep "end" lies; -1: nowhere.
int depth_of_end(const std::string& root) {
  int found = -1;
  const auto note = [&](const ScannedDirectory& directory) {
    for (const auto& name : directory.names) {
      if (name.name == "end")
        found = directory.path.empty() ? 0 : 1 + static_cast<int>(std::count(directory.path.begin(), directory.path.end(), '/'));
    }
  };
  scan_tree(root, {.depth = SIZE_MAX, .path = SIZE_MAX}, note, [](const std::string&) {});
  return found;
}

// Few descriptors, so that a walk that keeps one for each level fails here as well.
class FewDescriptors {
 public:
  FewDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto few = before_;
    few.rlim_cur = 128;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a tree of ten thousand levels is scanned, walked and removed", "[host]") {
  const Scratch scratch;
  const FewDescriptors few;
  ::mkdir((scratch / "p").c_str(), 0755);
  make_deep(scratch / "p", 10000);
  CHECK(depth_of_end(scratch / "p") == 10000);
  std::size_t entries = 0;
  CHECK(walk_tree(scratch / "p", 20000, [&](const std::string&, const struct stat&) { return ++entries != 0; }));
  CHECK(entries == 10001);
  CHECK_FALSE(walk_tree(scratch / "p", 5000, [](const std::string&, const struct stat&) { return true; }));
  remove_tree(scratch / "p");
  CHECK_FALSE(lstat_of(scratch / "p"));
}

TEST_CASE("a deep tree is moved from one file system to another, whole", "[host]") {
  const Scratch scratch;
  if (!lstat_of("/dev/shm") || lstat_of("/dev/shm")->st_dev == lstat_of(scratch.path())->st_dev) return;
  const FewDescriptors few;
  const TemporaryDirectory other("/dev/shm", "jailed-unit-");
  ::mkdir((scratch / "p").c_str(), 0755);
  const bool long_names = GENERATE(false, true);
  make_deep(scratch / "p", long_names ? 300 : 10000, long_names ? std::string(255, 'n') : "d");
  CHECK_FALSE(move_below(scratch.path(), "p", other.path() + "/kept"));
  CHECK_FALSE(lstat_of(scratch / "p"));
  CHECK(depth_of_end(other.path() + "/kept") == (long_names ? 300 : 10000));
}

TEST_CASE("a tree that cannot be copied stays where it is", "[host]") {
  const Scratch scratch;
  if (!lstat_of("/dev/shm") || lstat_of("/dev/shm")->st_dev == lstat_of(scratch.path())->st_dev) return;
  const TemporaryDirectory other("/dev/shm", "jailed-unit-");
  ::mkdir((scratch / "p").c_str(), 0755);
  make_deep(scratch / "p", 40);
  {
    // No file may grow beyond nothing: as a full disk, but for the signal.
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
    CHECK(move_below(scratch.path(), "p", other.path() + "/kept"));
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, SIG_DFL);
  }
  CHECK(depth_of_end(scratch / "p") == 40);
  CHECK_FALSE(lstat_of(other.path() + "/kept"));
}

TEST_CASE("a hundred thousand names are seen and removed", "[host]") {
  const Scratch scratch;
  ::mkdir((scratch / "p").c_str(), 0755);
  const Fd directory = open_directory(scratch / "p");
  for (int i = 0; i < 100000; ++i) ::mknodat(directory.get(), ("n" + std::to_string(i)).c_str(), S_IFREG | 0644, 0);
  std::size_t entries = 0;
  CHECK(walk_tree(scratch / "p", 100000, [&](const std::string&, const struct stat&) { return ++entries != 0; }));
  CHECK(entries == 100000);
  remove_tree(scratch / "p");
  CHECK_FALSE(lstat_of(scratch / "p"));
}

TEST_CASE("removing follows no link and opens what was closed", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"outside", "p", "p/closed", "p/closed/x"}) ::mkdir((scratch / name).c_str(), 0755);
  std::ofstream(scratch / "outside/mine") << "mine";
  ::symlink((scratch / "outside").c_str(), (scratch / "p/closed/link").c_str());
  ::chmod((scratch / "p/closed/x").c_str(), 0);
  ::chmod((scratch / "p/closed").c_str(), 0);
  remove_tree(scratch / "p");
  CHECK_FALSE(lstat_of(scratch / "p"));
  CHECK(read_file(scratch / "outside/mine") == "mine");
  ::symlink((scratch / "outside").c_str(), (scratch / "l").c_str());
  remove_tree(scratch / "l");
  CHECK_FALSE(lstat_of(scratch / "l"));
  CHECK(lstat_of(scratch / "outside/mine"));
}

TEST_CASE("a directory that is moved away during a walk does not lead out of the tree", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"p", "elsewhere"}) ::mkdir((scratch / name).c_str(), 0755);
  make_deep(scratch / "p", 60);
  Descent way(open_directory(scratch / "p"));
  for (int i = 0; i < 60; ++i) REQUIRE(way.enter("d"));
  // The way up from level 30, whose descriptor is closed by now, would end elsewhere.
  std::string upper = scratch / "p";
  for (int i = 0; i < 20; ++i) upper += "/d";
  REQUIRE(::rename(upper.c_str(), (scratch / "elsewhere/d").c_str()) == 0);
  int lost = 0;
  while (way.depth() > 0) {
    if (!way.leave()) {
      ++lost;
      continue;
    }
    struct stat here {}, other {};
    ::fstat(way.here(), &here);
    ::lstat((scratch / "elsewhere").c_str(), &other);
    CHECK(here.st_ino != other.st_ino);
  }
  CHECK(lost == 0);  // level 19, from which it was taken, is found by its names from the root
}

TEST_CASE("a sparse file is copied as one", "[host]") {
  const Scratch scratch;
  const Fd file(::open((scratch / "big").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  constexpr off_t size = off_t{1} << 40;
  if (::ftruncate(file.get(), size) != 0) return;
  REQUIRE(::pwrite(file.get(), "middle", 6, size / 2) == 6);
  const Fd here = open_directory(scratch.path());
  CHECK_FALSE(copy_entry(here.get(), "big", here.get(), "copy"));
  const auto copy = lstat_of(scratch / "copy");
  REQUIRE(copy);
  CHECK(copy->st_size == size);
  CHECK(copy->st_blocks < 1000);
  const Fd read(::open((scratch / "copy").c_str(), O_RDONLY | O_CLOEXEC));
  char text[6];
  CHECK(::pread(read.get(), text, 6, size / 2) == 6);
  CHECK(std::string(text, 6) == "middle");
}

TEST_CASE("a path is opened exactly, through no link", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"a", "a/b"}) ::mkdir((scratch / name).c_str(), 0755);
  std::ofstream(scratch / "a/file") << "x";
  ::symlink((scratch / "a").c_str(), (scratch / "l").c_str());
  CHECK(open_exactly(scratch / "a/b"));
  CHECK_FALSE(open_exactly(scratch / "l/b"));
  CHECK_FALSE(open_exactly(scratch / "l"));
  CHECK_FALSE(open_exactly(scratch / "l", true));
  CHECK_FALSE(open_exactly(scratch / "a/file"));
  CHECK(open_exactly(scratch / "a/file", true));
  CHECK_FALSE(open_exactly(scratch / "a/../a"));
}

#if JAILED_LINUX && defined(O_TMPFILE)
TEST_CASE("what is given into a repository has no name there before it is whole", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"from", "to"}) ::mkdir((scratch / name).c_str(), 0755);
  std::ofstream(scratch / "from/object") << std::string(std::size_t{64} << 20, 'x');
  std::atomic<bool> done = false;
  std::string seen;
  std::thread watch([&] {
    while (!done) {
      for (const auto& name : list_directory(scratch / "to")) {
        if (const auto info = lstat_of(scratch / ("to/" + name)); info && info->st_size < (64 << 20)) seen = name;
      }
    }
  });
  bool given = false;
  walk_entries(open_directory(scratch / "from"), 10, [&](const WalkedEntry& entry) {
    given = give_beneath(entry, open_directory(scratch / "to"), "object");
    return true;
  });
  done = true;
  watch.join();
  CHECK(given);
  CHECK(seen.empty());
  CHECK(list_directory(scratch / "to") == std::vector<std::string>{"object"});
  CHECK((lstat_of(scratch / "to/object")->st_mode & 07777) == 0644);
}
#endif

TEST_CASE("what is given into a repository is its owner's and goes through no link", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"from", "to", "outside"}) ::mkdir((scratch / name).c_str(), 0755);
  std::ofstream(scratch / "from/object") << "data";
  if (::geteuid() == 0) ::chown((scratch / "to").c_str(), 1234, 1234);
  const auto give = [&](const std::string& relative) {
    bool given = false;
    walk_entries(open_directory(scratch / "from"), 10, [&](const WalkedEntry& entry) {
      given = give_beneath(entry, open_directory(scratch / "to"), relative);
      return true;
    });
    return given;
  };
  CHECK(give("lfs/objects/ab/x"));
  CHECK(read_file(scratch / "to/lfs/objects/ab/x") == "data");
  CHECK(give("lfs/objects/ab/x"));
  const auto expected = ::geteuid() == 0 ? 1234 : ::geteuid();
  for (const auto* made : {"to/lfs", "to/lfs/objects", "to/lfs/objects/ab", "to/lfs/objects/ab/x"})
    CHECK(lstat_of(scratch / made)->st_uid == expected);
  ::symlink((scratch / "outside").c_str(), (scratch / "to/lfs/objects/cd").c_str());
  CHECK_FALSE(give("lfs/objects/cd/x"));
  CHECK(list_directory(scratch / "outside").empty());
}

TEST_CASE("half of a tree is not copied as if it were the whole", "[host]") {
  const Scratch scratch;
  for (const auto* name : {"from", "from/d", "one", "two"}) ::mkdir((scratch / name).c_str(), 0755);
  for (const auto* name : {"from/d/a", "from/d/b", "from/d/c"}) std::ofstream(scratch / name) << std::string(8192, 'x');
  const auto copy = [&](const std::string& to, const CopyLimits& limits) {
    return jailed::test::message_of([&] { copy_tree_below(scratch / "from", "d", scratch / to, limits); });
  };
  CHECK(copy("one/d", {}) == "(no error)");
  CHECK(list_directory(scratch / "one/d").size() == 3);
  CHECK(copy("two/files", {.files = 3}) == "(no error)");
  CHECK(copy("two/more", {.files = 2}) == scratch / "from/d has more than 2 files, so no jail gets a copy of it.");
  CHECK(copy("two/bytes", {.bytes = 10000}) == scratch / "from/d has more than 0 MiB, so no jail gets a copy of it.");
}

TEST_CASE("a directory that cannot be read is not one that holds nothing", "[host]") {
  const Scratch scratch;
  ::mkdir((scratch / "p").c_str(), 0755);
  std::ofstream(scratch / "file") << "x";
  ::symlink((scratch / "p").c_str(), (scratch / "link").c_str());
  const auto nothing = [](const std::string&, const struct stat&) { return true; };
  CHECK(walk_tree(scratch / "p", 10, nothing));
  CHECK(walk_tree(scratch / "absent", 10, nothing));
  CHECK_FALSE(walk_tree(scratch / "link", 10, nothing));
  CHECK_FALSE(walk_tree(scratch / "file", 10, nothing));
}
