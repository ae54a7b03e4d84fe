#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/host/fd.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/signals.hpp>
#include <jailed/host/terminal.hpp>
#include <vector>

extern char** environ;

namespace jailed::host {
namespace {

using core::Command;
using core::ExitStatus;
using Clock = std::chrono::steady_clock;

constexpr auto kOverdue = std::chrono::seconds(15);
constexpr auto kKill = std::chrono::seconds(20);

// Which of the child's fds come from where; -1 leaves this process's own.
struct ChildFds {
  int in = -1;
  int out = -1;
  int err = -1;
  bool own_group = false;
};

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
    ::sigfillset(&all);
    ::sigemptyset(&none);
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
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
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
  if (error != 0) {
    throw core::Error(
        fmt::format("Cannot run {}: {}.", core::printable(command.program), std::strerror(error)),
        error == E2BIG ? "the command line or the environment is too long; pass less of it" : "");
  }
  return pid;
}

// The child's end if it has ended.
std::optional<ExitStatus> poll_child(pid_t pid) {
  int status = 0;
  const auto result = ::waitpid(pid, &status, WNOHANG);
  if (result == pid) return core::decode_wait_status(status);
  return std::nullopt;
}

// What can be read now; false at the end of the stream.
bool read_some(int fd, std::string& into) {
  std::array<char, 16384> buffer;
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

// What is there; false when there is nothing more now.
bool drain(int fd, std::string& into) {
  std::array<char, 16384> buffer;
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

Fd null_input() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

int milliseconds_until(Clock::time_point when) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(when - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left + 1, 0, 600000));
}

// Who asked jailed to end may ask again while it tidies up; that must not leave mounts and sessions behind.
// Children start with an empty mask all the same.
void block_ending_signals() {
  sigset_t ending;
  ::sigemptyset(&ending);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) ::sigaddset(&ending, signal);
  ::sigprocmask(SIG_BLOCK, &ending, nullptr);
}

// TERM and HUP, and what follows when the child does not end by itself.
class Stopping {
 public:
  Stopping(pid_t pid, const ForegroundHooks& hooks) : pid_(pid), hooks_(hooks) {}

  void take(const CaughtSignal& caught) {
    if (caught.signal == SIGTERM || caught.signal == SIGHUP) {
      if (!std::exchange(begun_, true)) since_ = Clock::now();
      hooks_.on_terminate(caught.signal);
    } else if (caught.signal != SIGCHLD && caught.from_process) {
      if (!hooks_.on_interrupt || !hooks_.on_interrupt(caught.signal)) ::kill(pid_, caught.signal);
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
    if (passed >= kKill && !std::exchange(killed_, true)) ::kill(pid_, SIGKILL);
  }

  bool begun() const { return begun_; }

 private:
  pid_t pid_;
  const ForegroundHooks& hooks_;
  bool begun_ = false;
  Clock::time_point since_;
  bool overdue_ = false;
  bool killed_ = false;
};

}  // namespace

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw core::Error(fmt::format("Cannot make a pipe: {}.", std::strerror(errno)));
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  return {Fd(ends[0]), Fd(ends[1])};
}

core::Environment environment_snapshot() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return core::Environment(std::move(variables));
}

bool is_executable_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> find_program(const std::string& name, const core::Environment& environment) {
  const auto path = environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto directory = path.substr(at, end - at);
    at = end + 1;
    // A relative entry would let the project in the current directory choose the engine.
    if (directory.starts_with('/') && is_executable_file(directory + "/" + name))
      return directory + "/" + name;
  }
  return std::nullopt;
}

ExitStatus wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR)
      throw core::Error(fmt::format("Lost sight of process {}: {}.", pid, std::strerror(errno)));
  }
  return core::decode_wait_status(status);
}

pid_t start_beside(const Command& command, int input, int output) {
  const Fd nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return spawn(command, {input, output, nothing.get()});
}

Captured capture(const Command& command) { return capture_with_input(command, null_input().get()); }

Captured capture_with_input(const Command& command, int input) {
  auto out = make_pipe();
  auto err = make_pipe();
  const auto pid = spawn(command, {input, out.write.get(), err.write.get()});
  out.write.reset();
  err.write.reset();
  Captured captured;
  while (out.read || err.read) {
    std::array<pollfd, 2> fds = {pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0 && !read_some(out.read.get(), captured.out)) out.read.reset();
    if (fds[1].revents != 0 && !read_some(err.read.get(), captured.err)) err.read.reset();
  }
  captured.status = wait_for(pid);
  return captured;
}

Background::Background(const Command& command) : out_(make_pipe()), err_(make_pipe()) {
  const auto input = null_input();
  pid_ = spawn(command,
               {.in = input.get(), .out = out_.write.get(), .err = err_.write.get(), .own_group = true});
  out_.write.reset();
  err_.write.reset();
}

Background::~Background() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<Captured> Background::wait(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (out_.read || err_.read) {
    std::array<pollfd, 2> fds = {pollfd{out_.read.get(), POLLIN, 0}, pollfd{err_.read.get(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(deadline));
    if (ready > 0 && fds[0].revents != 0 && !read_some(out_.read.get(), captured_.out)) out_.read.reset();
    if (ready > 0 && fds[1].revents != 0 && !read_some(err_.read.get(), captured_.err)) err_.read.reset();
    // Another process may hold the pipes (a daemon that the child started): its own end is what counts.
    if (const auto status = poll_child(pid_)) {
      for (auto* pipe : {&out_, &err_}) ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
      while (out_.read && drain(out_.read.get(), captured_.out)) {
      }
      while (err_.read && drain(err_.read.get(), captured_.err)) {
      }
      captured_.status = *status;
      pid_ = -1;
      return captured_;
    }
    if (Clock::now() >= deadline) return std::nullopt;
  }
  captured_.status = wait_for(pid_);
  pid_ = -1;
  return captured_;
}

Captured capture_shielded(const Command& command) {
  Background child(command);
  while (true) {
    if (auto captured = child.wait(std::chrono::milliseconds(200))) return *captured;
  }
}

std::optional<Captured> capture_shielded(const Command& command, std::chrono::milliseconds patience) {
  return Background(command).wait(patience);
}

Captured capture_to_file(const Command& command, const std::string& path, int mode) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(path), std::strerror(errno)));
  auto err = make_pipe();
  const auto input = null_input();
  const auto pid =
      spawn(command, {.in = input.get(), .out = file.get(), .err = err.write.get(), .own_group = true});
  err.write.reset();
  Captured captured;
  while (read_some(err.read.get(), captured.err)) {
  }
  captured.status = wait_for(pid);
  if (!captured.status.ok()) ::unlink(path.c_str());
  return captured;
}

StreamedResult stream_to(const Command& command, int output, std::uint64_t limit,
                         std::chrono::seconds patience) {
  constexpr std::size_t kMostErrors = 65536;
  auto out = make_pipe();
  auto err = make_pipe();
  const auto input = null_input();
  const auto pid = spawn(command, {input.get(), out.write.get(), err.write.get()});
  out.write.reset();
  err.write.reset();
  StreamedResult result;
  std::uint64_t written = 0;
  while (out.read || err.read) {
    std::array<pollfd, 2> fds = {pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(Clock::now() + patience));
    if (ready < 0 && errno != EINTR) break;
    if (ready == 0) {
      result.silent = true;
      ::kill(pid, SIGKILL);
      break;
    }
    std::string some;
    if (fds[0].revents != 0 && !read_some(out.read.get(), some)) out.read.reset();
    written += some.size();
    result.too_long = written > limit;
    if (result.too_long || !write_all(output, some)) {
      ::kill(pid, SIGKILL);
      break;
    }
    if (fds[1].revents != 0 && !read_some(err.read.get(), result.err)) err.read.reset();
    if (result.err.size() > kMostErrors) result.err.erase(0, result.err.size() - kMostErrors / 2);
  }
  result.status = wait_for(pid);
  return result;
}

LoggedResult run_with_lines(const Command& command, const std::function<void(std::string_view)>& on_line,
                            const std::function<void()>& on_tick) {
  SignalWatcher signals({SIGINT, SIGQUIT, SIGTERM, SIGHUP});
  auto output = make_pipe();
  const auto input = null_input();
  const auto pid = spawn(command, {.in = input.get(), .out = output.write.get(), .err = output.write.get()});
  output.write.reset();
  LoggedResult result;
  std::string pending;
  for (bool open = true; open;) {
    std::array<pollfd, 2> fds = {pollfd{output.read.get(), POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), 1000) < 0 && errno != EINTR) break;
    while (const auto caught = signals.next()) {
      result.interrupted_by = caught->signal;
      if (caught->from_process) ::kill(pid, caught->signal);
    }
    if (fds[0].revents != 0) open = read_some(output.read.get(), pending);
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      on_line(std::string_view(pending).substr(0, end));
      pending.erase(0, end + 1);
    }
    on_tick();
  }
  if (!pending.empty()) on_line(pending);
  result.status = wait_for(pid);
  return result;
}

ForegroundResult run_in_foreground(const Command& command, const ForegroundHooks& hooks) {
  const TerminalModes modes;
  SignalWatcher signals({SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD});
  auto errors = make_pipe();
  const auto pid = spawn(command, {.err = errors.write.get()});
  errors.write.reset();
  ::fcntl(errors.read.get(), F_SETFL, O_NONBLOCK);
  Stopping stopping(pid, hooks);
  const auto read_errors = [&] {
    std::string text;
    if (errors.read && !read_some(errors.read.get(), text)) errors.read.reset();
    if (!text.empty()) hooks.on_error_output(text);
    return !text.empty();
  };
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{signals.fd(), POLLIN, 0}, pollfd{errors.read.get(), POLLIN, 0}};
    ::poll(fds.data(), fds.size(), stopping.timeout());
    while (const auto caught = signals.next()) stopping.take(*caught);
    stopping.check_time();
    const auto status = poll_child(pid);
    // The pipe may have other holders than the child (podman's monitor): read what is there, do not wait for
    // its end.
    while (read_errors() && status) {
    }
    if (status) {
      if (stopping.begun()) block_ending_signals();
      return {*status, stopping.begun()};
    }
  }
}

}  // namespace jailed::host
