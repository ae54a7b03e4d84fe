#pragma once
#include <sys/types.h>

#include <chrono>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>

namespace jailed::host {

using Clock = std::chrono::steady_clock;  // the others jump

/// Which of a child's descriptors come from where; -1 leaves this process's own.
struct ChildFds {
  int in = -1;
  int out = -1;
  int err = -1;
  bool own_group = false;
};

/// A program was not started: nothing of it has run.
class CannotRun : public core::Error {
 public:
  using Error::Error;
};

/// Starts it; nobody waits for it yet. Throws CannotRun.
pid_t spawn(const core::Command& command, const ChildFds& fds);

/// Milliseconds for poll(2), never more than ten minutes.
int milliseconds_until(Clock::time_point when);

/// A child that is waited for, once. One that still runs when its owner is done with it is killed.
class Child {
 public:
  Child(const core::Command& command, const ChildFds& fds);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// Its end, if it has ended. Throws core::Error when the system does not know the child any more.
  std::optional<core::ExitStatus> ended();
  void signal(int number) const;
  /// Kills it, and with a group of its own all that it started and that stayed there.
  void kill() const;

  /// Readable once it has ended; -1 where the system has no such descriptor.
  int end_fd() const { return end_.get(); }

 private:
  pid_t pid_ = -1;
  bool own_group_ = false;
  Fd end_;
  std::optional<core::ExitStatus> status_;
};

/// Reads what a child prints until the child has ended. Its end is what counts, not that of its pipes: a daemon that it
/// started may hold them for ever.
class Reading {
 public:
  Reading(Child& child, Fd out, Fd err);

  enum class Event { something, ended, overdue };
  /// Waits until there is output, which is added to `out` and `err`, until `wake` is readable, until the child has ended
  /// and all that it printed is read, or until the deadline. Without output it may come back before that.
  Event next(Clock::time_point deadline, std::string& out, std::string& err, int wake = -1);
  const core::ExitStatus& status() const { return *status_; }

 private:
  bool take(Fd& from, short events, std::string& into);
  Clock::time_point look_again(Clock::time_point deadline);
  bool is_over(bool read_some);

  Child& child_;
  Fd out_;
  Fd err_;
  std::optional<core::ExitStatus> status_;
  Clock::time_point grace_end_;
  std::size_t late_ = 0;  // bytes read after the child's end
  std::chrono::milliseconds pause_{1};
};

}  // namespace jailed::host
