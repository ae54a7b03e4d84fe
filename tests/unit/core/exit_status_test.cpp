#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <jailed/core/exit_status.hpp>

#include "catch.hpp"

using jailed::core::decode_wait_status;
using jailed::core::ExitStatus;

namespace {

template <typename Child>
int wait_status_of(Child&& child) {
  const auto pid = ::fork();
  if (pid == 0) child();
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

}  // namespace

TEST_CASE("an exit code comes through as it is", "[core]") {
  const int code = GENERATE(0, 1, 2, 3, 125, 126, 127, 128, 143, 255);
  const auto status = decode_wait_status(wait_status_of([&] { ::_exit(code); }));
  CHECK(status == ExitStatus::exited(code));
  CHECK(status.shell_code() == code);
  CHECK(status.ok() == (code == 0));
}

TEST_CASE("an end by a signal is 128 + n to a shell, and no exit code", "[core]") {
  const int signal = GENERATE(SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1);
  const auto status = decode_wait_status(wait_status_of([&] {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    ::_exit(99);
  }));
  CHECK(status == ExitStatus::signalled(signal));
  CHECK(status != ExitStatus::exited(128 + signal));
  CHECK(status.shell_code() == 128 + signal);
  CHECK_FALSE(status.ok());
}
