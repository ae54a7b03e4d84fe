#include <catch.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <support.hpp>

using namespace jailed::host;
using jailed::test::Scratch;

TEST_CASE("a command line that is not to be read is no empty one", "[host]") {
  const Scratch scratch;
  for (const auto* pid : {"7", "8", "9", "self"}) make_private_directories(scratch / pid);
  write_new_file(scratch / "7/stat", "7 (a) b) S 3 7 7", 0600);
  write_new_file(scratch / "7/cmdline", std::string_view("claude\0-c\0", 10), 0600);
  // Whoever runs the tests may be root, who reads every file.
  make_private_directories(scratch / "8/cmdline");
  const auto processes = process_list(scratch.path());
  REQUIRE(processes.size() == 3);
  for (const auto& process : processes) {
    CHECK(process.closed == (process.pid == 8));
    CHECK(process.words == (process.pid == 7 ? std::vector<std::string>{"claude", "-c"} : std::vector<std::string>{}));
    CHECK(process.parent == (process.pid == 7 ? 3 : 0));
  }
}
