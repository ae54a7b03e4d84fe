#include <unistd.h>

#include <catch.hpp>
#include <chrono>
#include <jailed/core/platform.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <jailed/host/process/child.hpp>
#include <support.hpp>
#include <thread>

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

#if JAILED_LINUX
TEST_CASE("a client is known by its option, and by none of a container's", "[host]") {
  const auto null = open_null();
  const auto start = [&](std::vector<std::string> words) {
    const std::string program = words.front();
    words.erase(words.begin());
    return Child({program, std::move(words), {}}, {.in = null.get(), .out = null.get(), .err = null.get()});
  };
  const auto client = start({"/bin/sh", "-c", "sleep 20; :", "sh", "--name", "jailed-x-5e55109a1b2c"});
  CHECK(runs_with_option("--name", "-5e55109a1b2c"));
  CHECK_FALSE(runs_with_option("--name", "-5e55109a1b2d"));
  CHECK_FALSE(runs_with_option("--label", "-5e55109a1b2c"));
  if (::geteuid() != 0) return;
  const auto inside = start({"/usr/bin/unshare", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", "exec /bin/sh -c 'sleep 20; :' sh --label jailed-x-5e55109a1b2e"});
  const auto listed = [] {
    for (const auto& process : process_list()) {
      if (!process.words.empty() && process.words.back() == "jailed-x-5e55109a1b2e") return true;
    }
    return false;
  };
  for (int look = 0; look < 200 && !listed(); ++look) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(listed());
  CHECK_FALSE(runs_with_option("--label", "-5e55109a1b2e"));
}
#endif
