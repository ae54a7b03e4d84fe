#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/death_watch.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/host/process/process.hpp>
#include <thread>

namespace jailed::host {
namespace {

constexpr auto kWillPatience = std::chrono::seconds(60);  // with an engine that does not answer

// Whether it said that something was done. Whoever cannot start a process now may be able to in a moment.
bool carry_out(const core::Command& last_will) {
  try {
    const auto done = capture_shielded(last_will, kWillPatience);
    return done && done->status.ok() && !done->out.empty();
  } catch (const core::Error&) {
    return false;
  }
}

}  // namespace

DeathWatch::DeathWatch(const std::string& session, const core::Command& last_will) {
  auto pipe = make_pipe();
  const auto nothing = open_null();
  core::Command watch{own_program(), {kSubcommand, session, last_will.program}, last_will.env};
  watch.args.insert(watch.args.end(), last_will.args.begin(), last_will.args.end());
  pid_ = start_beside(watch, pipe.read.get(), nothing.get());
  alive_ = std::move(pipe.write);
}

DeathWatch::~DeathWatch() {
  const char well = '.';
  while (::write(alive_.get(), &well, 1) < 0 && errno == EINTR) {
  }
  alive_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int DeathWatch::serve(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return core::kUsageError;
  ::setsid();  // whoever ends jailed's group shall not end this
  for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  char well = 0;
  ssize_t count = 0;
  while ((count = ::read(STDIN_FILENO, &well, 1)) < 0 && errno == EINTR) {
  }
  if (count > 0) return 0;
  // More than once: an engine that was just asked to start a container may not know it yet. Not once more when it has
  // said what it removed, nor beside the next jailed, which may bring the work home in a container of the same name.
  const core::Command last_will{arguments[1], {arguments.begin() + 2, arguments.end()}, {}};
  for (const int milliseconds : {0, 100, 1000, 3000}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    // Who died may hold it for a moment yet: the kernel closes one descriptor after the other.
    const auto held = try_share_directory(arguments[0]);
    if (!held) continue;
    if (carry_out(last_will)) break;
  }
  return 0;
}

}  // namespace jailed::host
