#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/process/own_process.hpp>
#include <vector>

namespace jailed::host {
namespace {

void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest that is free, which is this one.
    if (::open("/dev/null", O_RDWR) != fd) ::_exit(core::kFailed);
  }
}

void hear_all_signals() {
  // A reader that goes away (`jailed … 2>&1 | head`) ends no homecoming: what nobody hears is left unsaid. Children have the
  // default again (spawn).
  std::signal(SIGPIPE, SIG_IGN);
  // Ignored, children's ends would be unknowable; blocked, nobody would wake up at them.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void make_room_for_files() {
  constexpr rlim_t kEnough = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
  limit.rlim_cur = std::min(limit.rlim_max, kEnough);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void settle_own_process() {
  open_standard_descriptors();
  hear_all_signals();
  make_room_for_files();
}

void check_room_for_files() {
  constexpr std::size_t kWanted = 32;
  std::vector<Fd> room;
  while (room.size() < kWanted) {
    room.emplace_back(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!room.back())
      throw core::Error(fmt::format("Too few files may be open at once: {}.", std::strerror(errno)),
                        "allow more: ulimit -n 1024");
  }
}

}  // namespace jailed::host
