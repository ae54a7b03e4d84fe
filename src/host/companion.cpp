#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <jailed/core/error.hpp>
#include <jailed/host/companion.hpp>
#include <jailed/host/process.hpp>
#include <string>

namespace jailed::host {
namespace {

constexpr int kPatience = 90'000;  // milliseconds

}  // namespace

Companion::Companion(const core::Command& command) {
  auto input = make_pipe();
  auto output = make_pipe();
  pid_ = start_beside(command, input.read.get(), output.write.get());
  input_ = std::move(input.write);
  output_ = std::move(output.read);
  output.write.reset();
  std::string said;
  std::array<char, 1024> bytes;
  while (said.find('\n') == std::string::npos) {
    const auto count = ::read(output_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    said.append(bytes.data(), static_cast<std::size_t>(count));
  }
  if (said == "ready\n") return;
  input_.reset();
  ::waitpid(pid_, nullptr, 0);
  throw core::Error(said.empty() ? command.program + " did not start." : said);
}

Companion::~Companion() {
  input_.reset();
  pollfd end{output_.get(), POLLIN, 0};
  while (::poll(&end, 1, kPatience) < 0 && errno == EINTR) {
  }
  if (end.revents != 0) ::waitpid(pid_, nullptr, 0);
}

}  // namespace jailed::host
