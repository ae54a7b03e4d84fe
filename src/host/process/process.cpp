#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/signals.hpp>
#include <utility>
#include <vector>

extern char** environ;

namespace jailed::host {
namespace {

using core::Command;
using core::ExitStatus;

constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr std::chrono::seconds kEndPatience{2};

// Whether it has printed so much that it is no answer; then only that is left of it.
bool is_no_answer(Captured& captured) {
  if (captured.out.size() + captured.err.size() <= kMostCaptured) return false;
  captured = {ExitStatus::signalled(SIGKILL), {}, fmt::format("it says more than {} MiB, which is no answer, and was stopped", kMostCaptured >> 20)};
  return true;
}

Captured no_answer_within(std::chrono::seconds patience) {
  return {ExitStatus::signalled(SIGKILL), {}, fmt::format("it has not answered for {} s, and nobody waits for it any longer", patience.count()), true};
}

// Who is asked to end takes its lock files with it.
void ask_to_stop(Child& child, Reading& reading) {
  child.signal(SIGTERM);
  const auto deadline = Clock::now() + kEndPatience;
  auto event = Reading::Event::something;
  while (event == Reading::Event::something && Clock::now() < deadline) {
    std::string out, err;
    event = reading.next(deadline, out, err);
  }
}

bool write_on(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// From one descriptor to the other as far as that goes without waiting. Whether anything went.
class Pouring {
 public:
  Pouring(Fd from, Fd to) : from_(std::move(from)), to_(std::move(to)) {
    for (const int fd : {from_.get(), to_.get()}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }

  bool go_on() {
    if (!to_) return false;
    if (rest_.empty()) {
      buffer_.resize(kChunk);
      const auto count = ::read(from_.get(), buffer_.data(), buffer_.size());
      if (count == 0 || (count < 0 && !is_for_later())) to_.reset();  // the child sees the end
      if (count <= 0) return count == 0;
      rest_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(count));
    }
    const auto count = ::write(to_.get(), rest_.data(), rest_.size());
    if (count < 0 && !is_for_later()) to_.reset();  // it takes no more: how it ended says why
    if (count > 0) rest_.remove_prefix(static_cast<std::size_t>(count));
    return count > 0;
  }

 private:
  static constexpr std::size_t kChunk = 65536;
  static bool is_for_later() { return errno == EAGAIN || errno == EINTR; }

  Fd from_, to_;
  std::string buffer_;
  std::string_view rest_;
};

// What a child says until it has ended; nothing when `go_on` finds that it is overdue. `go_on` reads on (Reading::next) and says what came of it.
template <typename GoOn>
std::optional<Captured> capture_to_the_end(Child& child, Reading& reading, GoOn&& go_on) {
  Captured captured;
  for (auto event = Reading::Event::something; event != Reading::Event::ended;) {
    event = go_on(captured);
    const bool overdue = event == Reading::Event::overdue;
    if (!overdue && !is_no_answer(captured)) continue;
    ask_to_stop(child, reading);
    if (overdue) return std::nullopt;
    return captured;
  }
  captured.status = reading.status();
  return captured;
}

std::optional<Captured> capture_until(const Command& command, int input, Clock::time_point deadline) {
  auto out = make_pipe();
  auto err = make_pipe();
  Child child(command, {input, out.write.get(), err.write.get()});
  out.write.reset();
  err.write.reset();
  Reading reading(child, std::move(out.read), std::move(err.read));
  return capture_to_the_end(child, reading, [&](Captured& captured) { return reading.next(deadline, captured.out, captured.err); });
}

}  // namespace

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
  const auto nothing = open_null();
  return spawn(command, {input, output, nothing.get()});
}

Captured capture(const Command& command, std::chrono::seconds patience) {
  auto captured = capture_until(command, open_null().get(), Clock::now() + patience);
  return captured ? std::move(*captured) : no_answer_within(patience);
}

std::optional<Captured> capture_with_input(const Command& command, int input, std::chrono::seconds patience) {
  return capture_until(command, input, Clock::now() + patience);
}

std::optional<Captured> capture_pouring(const Command& command, Fd from, Patience patience) {
  constexpr std::chrono::milliseconds kBetweenLooks{10};
  constexpr int kAtOnce = 64;
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  Child child(command, {in.read.get(), out.write.get(), err.write.get()});
  in.read.reset();
  out.write.reset();
  err.write.reset();
  Reading reading(child, std::move(out.read), std::move(err.read));
  Pouring pouring(std::move(from), std::move(in.write));
  const auto last = Clock::now() + patience.in_all;
  auto deadline = std::min(last, Clock::now() + patience.silence);
  return capture_to_the_end(child, reading, [&](Captured& captured) {
    const auto said = captured.out.size() + captured.err.size();
    bool poured = false;
    for (int i = 0; i < kAtOnce && pouring.go_on(); ++i) poured = true;
    const auto event = reading.next(poured ? Clock::now() : Clock::now() + kBetweenLooks, captured.out, captured.err);
    if (poured || captured.out.size() + captured.err.size() != said) deadline = std::min(last, Clock::now() + patience.silence);
    if (event == Reading::Event::ended) return event;
    return Clock::now() >= deadline ? Reading::Event::overdue : Reading::Event::something;
  });
}

struct Background::Running {
  Child child;
  Reading reading;
  Captured captured;

  Running(const Command& command, Pipe out, Pipe err)
      : child(command, {.in = open_null().get(), .out = out.write.get(), .err = err.write.get(), .own_group = true}),
        reading(child, std::move(out.read), std::move(err.read)) {}
};

Background::Background(const Command& command)
    : running_(std::make_unique<Running>(command, make_pipe(), make_pipe())) {}

Background::~Background() = default;

std::optional<Captured> Background::wait(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (true) {
    const auto event = running_->reading.next(deadline, running_->captured.out, running_->captured.err);
    if (is_no_answer(running_->captured)) {
      running_->child.kill();
      return running_->captured;
    }
    if (event == Reading::Event::overdue) return std::nullopt;
    if (event != Reading::Event::ended) continue;
    running_->captured.status = running_->reading.status();
    return running_->captured;
  }
}

Captured capture_shielded(const Command& command) { return ask_shielded(command, kDeedPatience); }

Captured ask_shielded(const Command& command, std::chrono::seconds patience) {
  auto captured = Background(command).wait(patience);
  return captured ? std::move(*captured) : no_answer_within(patience);
}

std::optional<Captured> capture_shielded(const Command& command, std::chrono::milliseconds patience) {
  return Background(command).wait(patience);
}

Captured capture_to_file(const Command& command, const std::string& path, int mode) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(path), std::strerror(errno)));
  Captured captured;
  try {
    auto err = make_pipe();
    const auto input = open_null();
    Child child(command, {.in = input.get(), .out = file.get(), .err = err.write.get(), .own_group = true});
    err.write.reset();
    Reading reading(child, {}, std::move(err.read));
    bool too_much = false;
    while (!too_much && reading.next(Clock::time_point::max(), captured.out, captured.err) != Reading::Event::ended) too_much = is_no_answer(captured);
    if (too_much) child.kill();
    else captured.status = reading.status();
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  if (!captured.status.ok()) ::unlink(path.c_str());
  return captured;
}

StreamedResult stream_to(const Command& command, int output, std::uint64_t limit, Patience patience) {
  constexpr std::size_t kMostErrors = 65536;
  auto out = make_pipe();
  auto err = make_pipe();
  const auto input = open_null();
  Child child(command, {.in = input.get(), .out = out.write.get(), .err = err.write.get(), .own_group = true});
  out.write.reset();
  err.write.reset();
  Reading reading(child, std::move(out.read), std::move(err.read));
  StreamedResult result;
  std::uint64_t written = 0;
  const auto last = Clock::now() + patience.in_all;
  auto deadline = std::min(last, Clock::now() + patience.silence);
  for (bool more = true; more;) {
    std::string some;
    const auto before = result.err.size();
    const auto event = reading.next(deadline, some, result.err);
    if (!some.empty() || result.err.size() != before) deadline = std::min(last, Clock::now() + patience.silence);
    if (event == Reading::Event::overdue || (event == Reading::Event::something && Clock::now() > last)) result.silent = true;
    written += some.size();
    result.too_long = written > limit;
    more = event == Reading::Event::something && !result.too_long && !result.silent;
    if (!result.too_long && !write_on(output, some)) result.write_error = errno;
    if (result.err.size() > kMostErrors) result.err.erase(0, result.err.size() - kMostErrors / 2);
    more = more && result.write_error == 0;
    if (event == Reading::Event::ended) result.status = reading.status();
  }
  if (result.too_long || result.silent || result.write_error != 0) {
    child.kill();
    result.status = ExitStatus::signalled(SIGKILL);
  }
  return result;
}

LoggedResult run_with_lines(const Command& command, const std::function<void(std::string_view)>& on_line,
                            const std::function<void()>& on_tick) {
  SignalWatcher signals({SIGINT, SIGQUIT, SIGTERM, SIGHUP});
  auto output = make_pipe();
  const auto input = open_null();
  Child child(command, {.in = input.get(), .out = output.write.get(), .err = output.write.get()});
  output.write.reset();
  Reading reading(child, std::move(output.read), {});
  LoggedResult result;
  std::string pending;
  std::string nothing;
  for (auto event = Reading::Event::something; event != Reading::Event::ended;) {
    event = reading.next(Clock::now() + std::chrono::seconds(1), pending, nothing, signals.fd());
    while (const auto caught = signals.next()) {
      result.interrupted_by = caught->signal;
      if (caught->from_process) child.signal(caught->signal);
    }
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      on_line(std::string_view(pending).substr(0, end));
      pending.erase(0, end + 1);
    }
    if (pending.size() > kLongestLine) on_line(std::exchange(pending, {}));
    on_tick();
  }
  if (!pending.empty()) on_line(pending);
  result.status = reading.status();
  return result;
}

}  // namespace jailed::host
