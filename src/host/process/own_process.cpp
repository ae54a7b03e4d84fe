#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/core/platform.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/process/own_process.hpp>
#include <vector>

#if JAILED_LINUX
#include <sys/prctl.h>
#elif defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

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
  sigemptyset(&none);
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

void seal_own_process() {
#if JAILED_LINUX
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#endif
}

std::string own_program() {
#ifdef __APPLE__
  std::array<char, 4096> path{};
  auto size = static_cast<std::uint32_t>(path.size());
  if (::_NSGetExecutablePath(path.data(), &size) != 0) throw core::Error("The path of jailed itself is too long.", "install it in a shorter one");
  return path.data();
#else
  return "/proc/self/exe";  // another version of it may be at its path by now
#endif
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
