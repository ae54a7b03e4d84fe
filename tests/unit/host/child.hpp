#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <jailed/core/exit_status.hpp>

namespace jailed::test {

/// A forked child that says "ready" and then waits to be ended; killed with its owner.
class Child {
 public:
  /// `prepare` runs in the child, which stays as it then is. What it throws ends it with 99.
  template <typename Prepare>
  explicit Child(Prepare&& prepare) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      try {
        prepare([&] {
          [[maybe_unused]] const auto count = ::write(ends[1], "r", 1);
          while (true) ::pause();
        });
      } catch (...) {
      }
      ::_exit(99);
    }
    ::close(ends[1]);
    char byte = 0;
    ready_ = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }

  bool ready() const { return ready_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

/// How a forked child that runs `action` and ends with its result ends.
template <typename Action>
core::ExitStatus in_child(Action&& action) {
  const auto pid = ::fork();
  if (pid == 0) ::_exit(action());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return core::decode_wait_status(status);
}

}  // namespace jailed::test
