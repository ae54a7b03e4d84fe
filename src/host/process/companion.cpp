#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <jailed/core/error.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/companion.hpp>
#include <jailed/host/process/process.hpp>
#include <string>

namespace jailed::host {
namespace {

constexpr auto kPatience = std::chrono::seconds(90);
constexpr auto kPatienceAtStart = std::chrono::seconds(30);

// Whether there is something to read before the deadline.
bool wait_until_readable(int fd, Clock::time_point deadline) {
  pollfd ready{fd, POLLIN, 0};
  while (true) {
    const int count = ::poll(&ready, 1, milliseconds_until(deadline));
    if (count > 0) return true;
    if (Clock::now() >= deadline || (count < 0 && errno != EINTR)) return false;
  }
}

core::ExitStatus reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return core::ExitStatus::exited(core::kFailed);
  }
  return core::decode_wait_status(status);
}

}  // namespace

Companion::Companion(const core::Command& command) {
  auto input = make_pipe();
  auto output = make_pipe();
  pid_ = start_beside(command, input.read.get(), output.write.get());
  input_ = std::move(input.write);
  output_ = std::move(output.read);
  output.write.reset();
  const auto deadline = Clock::now() + kPatienceAtStart;
  std::string said;
  std::array<char, 1024> bytes;
  while (said.find('\n') == std::string::npos && wait_until_readable(output_.get(), deadline)) {
    const auto count = ::read(output_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    said.append(bytes.data(), static_cast<std::size_t>(count));
  }
  if (said == "ready\n") return;
  ::kill(pid_, SIGKILL);  // what is not ready has begun nothing
  reap(pid_);
  throw core::Error(!said.empty()              ? said
                    : Clock::now() >= deadline ? command.program + " was not ready after 30 s."
                                               : command.program + " did not start.");
}

std::optional<core::ExitStatus> Companion::end() {
  if (!input_) return status_;
  input_.reset();
  if (wait_until_readable(output_.get(), Clock::now() + kPatience)) status_ = reap(pid_);
  return status_;
}

}  // namespace jailed::host
