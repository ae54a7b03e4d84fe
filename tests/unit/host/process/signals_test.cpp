#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <jailed/host/process/signals.hpp>

#include "catch.hpp"

using jailed::host::SignalWatcher;

namespace {

void (*handler_of(int signal))(int) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

bool readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

}  // namespace

TEST_CASE("signals become entries in a queue, and former dispositions come back", "[host]") {
  REQUIRE(handler_of(SIGUSR1) == SIG_DFL);
  {
    SignalWatcher watcher({SIGUSR1, SIGUSR2});
    CHECK_FALSE(readable(watcher.fd()));
    CHECK(watcher.next() == std::nullopt);
    ::kill(::getpid(), SIGUSR1);
    ::raise(SIGUSR2);
    ::kill(::getpid(), SIGUSR1);
    CHECK(readable(watcher.fd()));
    for (const int expected : {SIGUSR1, SIGUSR2, SIGUSR1}) {
      const auto caught = watcher.next();
      REQUIRE(caught);
      CHECK(caught->signal == expected);
      CHECK(caught->from_process);
    }
    CHECK(watcher.next() == std::nullopt);
    CHECK_FALSE(readable(watcher.fd()));
  }
  CHECK(handler_of(SIGUSR1) == SIG_DFL);
  CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

TEST_CASE("a signal that was ignored stays ignored, as nohup wants it", "[host]") {
  ::signal(SIGHUP, SIG_IGN);
  {
    SignalWatcher watcher({SIGHUP, SIGUSR1});
    ::kill(::getpid(), SIGHUP);
    CHECK(watcher.next() == std::nullopt);
    CHECK(handler_of(SIGHUP) == SIG_IGN);
  }
  CHECK(handler_of(SIGHUP) == SIG_IGN);
  ::signal(SIGHUP, SIG_DFL);
}

TEST_CASE("a signal that comes from the kernel is known as such", "[host]") {
  SignalWatcher watcher({SIGALRM});
  ::alarm(1);
  pollfd waiting{watcher.fd(), POLLIN, 0};
  while (::poll(&waiting, 1, 3000) < 0) {
  }
  const auto caught = watcher.next();
  REQUIRE(caught);
  CHECK(caught->signal == SIGALRM);
  CHECK_FALSE(caught->from_process);
}

TEST_CASE("a storm of signals neither blocks nor gets lost as a whole", "[host]") {
  SignalWatcher watcher({SIGUSR1});
  for (int i = 0; i < 100000; ++i) ::raise(SIGUSR1);
  int count = 0;
  while (watcher.next()) ++count;
  CHECK(count > 0);
  CHECK(count <= 100000);
}
