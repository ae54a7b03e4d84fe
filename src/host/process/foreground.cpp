#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/signals.hpp>
#include <jailed/host/process/terminal.hpp>
#include <utility>

namespace jailed::host {
namespace {

using core::Command;

constexpr auto kOverdue = std::chrono::seconds(15);
constexpr auto kKill = std::chrono::seconds(20);
constexpr std::size_t kMostLate = std::size_t{1} << 20;

// What can be read now; false at the end of the stream.
bool read_some(int fd, std::string& into) {
  std::array<char, 16384> buffer;
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

bool is_without_reader(int fd) {
  pollfd end{fd, 0, 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & POLLERR) != 0;
}

// Who asked jailed to end may ask again while it tidies up; that must not leave mounts and sessions behind.
// Children start with an empty mask all the same.
void block_ending_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) sigaddset(&ending, signal);
  ::sigprocmask(SIG_BLOCK, &ending, nullptr);
}

// TERM and HUP, and what follows when the child does not end by itself.
class Stopping {
 public:
  Stopping(Child& child, const ForegroundHooks& hooks) : child_(child), hooks_(hooks) {}

  void take(const CaughtSignal& caught) {
    if (caught.signal == SIGTERM || caught.signal == SIGHUP) {
      if (!std::exchange(begun_, true)) since_ = Clock::now();
      hooks_.on_terminate(caught.signal);
    } else if (caught.signal != SIGCHLD && caught.from_process) {
      if (!hooks_.on_interrupt || !hooks_.on_interrupt(caught.signal)) child_.signal(caught.signal);
    }
  }

  int timeout() const {
    if (!begun_ || killed_) return -1;
    return milliseconds_until(since_ + (overdue_ ? kKill : kOverdue));
  }

  void check_time() {
    if (!begun_) return;
    const auto passed = Clock::now() - since_;
    if (passed >= kOverdue && !std::exchange(overdue_, true)) hooks_.on_overdue();
    if (passed >= kKill && !std::exchange(killed_, true)) child_.kill();
  }

  bool begun() const { return begun_; }

 private:
  Child& child_;
  const ForegroundHooks& hooks_;
  bool begun_ = false;
  Clock::time_point since_;
  bool overdue_ = false;
  bool killed_ = false;
};

}  // namespace

ForegroundResult run_in_foreground(const Command& command, const ForegroundHooks& hooks) {
  const TerminalModes modes;
  SignalWatcher signals({SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD});
  auto errors = make_pipe();
  Child child(command, {.err = errors.write.get()});
  errors.write.reset();
  ::fcntl(errors.read.get(), F_SETFL, O_NONBLOCK);
  Stopping stopping(child, hooks);
  std::size_t late = 0;  // what others say in the pipe after the child's end
  bool child_ended = false;
  const auto read_errors = [&] {
    std::string text;
    if (errors.read && !read_some(errors.read.get(), text)) errors.read.reset();
    late += child_ended ? text.size() : 0;
    if (!text.empty()) hooks.on_error_output(text);
    // Nobody hears it any more: the child is told as it would be without jailed between.
    if (errors.read && is_without_reader(STDERR_FILENO)) errors.read.reset();
    return !text.empty();
  };
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{signals.fd(), POLLIN, 0}, pollfd{errors.read.get(), POLLIN, 0}};
    ::poll(fds.data(), fds.size(), stopping.timeout());
    while (const auto caught = signals.next()) stopping.take(*caught);
    stopping.check_time();
    const auto status = child.ended();
    child_ended = status.has_value();
    // The pipe may have other holders than the child (podman's monitor): read what is there, do not wait for
    // its end.
    while (read_errors() && status && late < kMostLate) {
    }
    if (status) {
      if (stopping.begun()) block_ending_signals();
      return {*status, stopping.begun()};
    }
  }
}

}  // namespace jailed::host
