#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::host;
using jailed::test::Scratch;

TEST_CASE("a file is replaced as a whole", "[host]") {
  const Scratch scratch;
  const auto path = scratch / "list";
  replace_file(path, "one", 0600);
  CHECK(read_file(path) == "one");
  CHECK((lstat_of(path)->st_mode & 07777) == 0600);
  const auto before = lstat_of(path)->st_ino;
  {
    AtomicFile file(path);
    write_new_file(file.beside(), "two", 0644);
    CHECK(read_file(path) == "one");
    file.put();
  }
  CHECK(read_file(path) == "two");
  CHECK(lstat_of(path)->st_ino != before);
  CHECK(list_directory(scratch.path()) == std::vector<std::string>{"list"});
}

TEST_CASE("a file that was not put in its place leaves what was there, and nothing beside it", "[host]") {
  const Scratch scratch;
  const auto path = scratch / "list";
  replace_file(path, "one", 0600);
  {
    AtomicFile file(path);
    write_new_file(file.beside(), "half", 0600);
  }
  CHECK(read_file(path) == "one");
  CHECK(list_directory(scratch.path()) == std::vector<std::string>{"list"});
  make_private_directories(scratch / "directory/full");
  CHECK(jailed::test::message_of([&] { replace_file(scratch / "directory", "", 0600); }).starts_with("Cannot write " + scratch / "directory: "));
  CHECK(list_directory(scratch.path()).size() == 2);
}

TEST_CASE("what a killed process had begun goes with the next, and what a living one has begun stays", "[host]") {
  const Scratch scratch;
  const auto path = scratch / "list";
  for (const auto& end : {std::string("999999999"), std::to_string(::getppid()), std::to_string(::getpid()), std::string("bak"), std::string("-1")})
    write_new_file(path + "." + end, "half", 0600);
  replace_file(path, "one", 0600);
  auto left = list_directory(scratch.path());
  std::sort(left.begin(), left.end());
  auto expected = std::vector<std::string>{"list", "list.-1", "list." + std::to_string(::getppid()), "list.bak"};
  std::sort(expected.begin(), expected.end());
  CHECK(left == expected);
}
