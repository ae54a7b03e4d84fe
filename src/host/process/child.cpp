#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/core/platform.hpp>
#include <jailed/host/process/child.hpp>
#include <vector>

#if JAILED_LINUX
#include <sys/syscall.h>
#endif

extern char** environ;

namespace jailed::host {
namespace {

using core::Command;
using core::ExitStatus;
using std::chrono::milliseconds;

// For who holds a pipe after the child's end: what the child itself has printed is there already.
constexpr milliseconds kGrace{50};
// No pipe holds more; a daemon that never stops talking is not listened to for longer.
constexpr std::size_t kMostInPipe = std::size_t{1} << 20;
constexpr milliseconds kLongestPause{20};

class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void redirect(int from, int to) {
    if (from >= 0) ::posix_spawn_file_actions_adddup2(&actions_, from, to);
  }
  void default_signals() {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    add_flags(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  void own_group() {
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    add_flags(POSIX_SPAWN_SETPGROUP);
  }
  // jailed's own fds close by themselves; this is about what its caller left open.
  void close_others() {
#if JAILED_LINUX && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
#endif
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void add_flags(int more) {
    short flags = 0;
    ::posix_spawnattr_getflags(&attributes_, &flags);
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags | more));
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool replaced = false;
    for (const auto& variable : command.env)
      replaced = replaced || text.substr(0, text.find('=')) == variable.name;
    if (!replaced) variables.emplace_back(text);
  }
  for (const auto& variable : command.env) variables.push_back(variable.name + "=" + variable.value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

std::string next_step_after(int error) {
  switch (error) {
    case E2BIG:
      return "the command line or the environment is too long; pass less of it";
    case EAGAIN:
      return "there is no room for another process (ulimit -u, or the limit of a container or service); end some, then try again";
    case ENOMEM:
      return "the machine has no memory left; end something, then try again";
    case EMFILE:
    case ENFILE:
      return "too few files may be open at once: ulimit -n 1024";
    default:
      return {};
  }
}

[[noreturn]] void failed(const std::string& what, int error) {
  throw core::Error(fmt::format("Cannot {}: {}.", what, std::strerror(error)), next_step_after(error));
}

Fd descriptor_of(pid_t pid) {
#if JAILED_LINUX && defined(SYS_pidfd_open)
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
#else
  static_cast<void>(pid);
  return {};
#endif
}

}  // namespace

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) failed("make a pipe", errno);
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd open_null() {
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) failed("open /dev/null", errno);
  return null;
}

pid_t spawn(const Command& command, const ChildFds& fds) {
  SpawnActions spawn;
  spawn.redirect(fds.in, 0);
  spawn.redirect(fds.out, 1);
  spawn.redirect(fds.err, 2);
  spawn.close_others();
  spawn.default_signals();
  if (fds.own_group) spawn.own_group();
  std::vector<std::string> words = {command.program};
  words.insert(words.end(), command.args.begin(), command.args.end());
  auto variables = child_environment(command);
  auto argv = pointers(words);
  auto envp = pointers(variables);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, command.program.c_str(), spawn.actions(), spawn.attributes(),
                                  argv.data(), envp.data());
  if (error != 0)
    throw CannotRun(fmt::format("Cannot run {}: {}.", core::printable(command.program), std::strerror(error)), next_step_after(error));
  return pid;
}

int milliseconds_until(Clock::time_point when) {
  const auto left = std::chrono::duration_cast<milliseconds>(when - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left + 1, 0, 600000));
}

Child::Child(const Command& command, const ChildFds& fds)
    : pid_(spawn(command, fds)), own_group_(fds.own_group), end_(descriptor_of(pid_)) {}

Child::~Child() {
  if (status_) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<ExitStatus> Child::ended() {
  int status = 0;
  while (!status_) {
    const auto result = ::waitpid(pid_, &status, WNOHANG);
    if (result == 0) return std::nullopt;
    if (result == pid_) status_ = core::decode_wait_status(status);
    if (result < 0 && errno != EINTR) {
      const int error = errno;
      status_ = ExitStatus::exited(core::kFailed);  // it cannot be waited for, and its number may be another's by now
      throw core::Error(fmt::format("Lost sight of process {}: {}.", pid_, std::strerror(error)));
    }
  }
  return status_;
}

void Child::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

void Child::kill() const {
  if (!status_) ::kill(own_group_ ? -pid_ : pid_, SIGKILL);
}

Reading::Reading(Child& child, Fd out, Fd err) : child_(child), out_(std::move(out)), err_(std::move(err)) {}

bool Reading::take(Fd& from, short events, std::string& into) {
  if (events == 0) return false;
  std::array<char, 16384> buffer;
  const auto count = ::read(from.get(), buffer.data(), buffer.size());
  if (count > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(count));
    if (status_) late_ += static_cast<std::size_t>(count);
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    from.reset();
  }
  return count > 0;
}

// When the child has to be looked at next: where nothing tells of its end, after short pauses.
Clock::time_point Reading::look_again(Clock::time_point deadline) {
  if (status_) return std::min(deadline, grace_end_);
  if (child_.end_fd() >= 0) return deadline;
  const auto soon = Clock::now() + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
  return std::min(deadline, soon);
}

bool Reading::is_over(bool read_some) {
  if (!status_) {
    status_ = child_.ended();
    if (!status_) return false;
    grace_end_ = Clock::now() + kGrace;
  }
  if (!out_ && !err_) return true;
  return read_some ? late_ > kMostInPipe : Clock::now() >= grace_end_;
}

Reading::Event Reading::next(Clock::time_point deadline, std::string& out, std::string& err, int wake) {
  std::array<pollfd, 4> fds = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                               pollfd{status_ ? -1 : child_.end_fd(), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
  const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(look_again(deadline)));
  if (ready < 0 && errno != EINTR) failed("wait for a program", errno);
  bool read_some = ready > 0 && take(out_, fds[0].revents, out);
  read_some = (ready > 0 && take(err_, fds[1].revents, err)) || read_some;
  if (is_over(read_some)) return Event::ended;
  if (!read_some && !status_ && Clock::now() >= deadline) return Event::overdue;
  return Event::something;
}

}  // namespace jailed::host
