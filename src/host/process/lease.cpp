#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jailed/core/platform.hpp>
#include <jailed/host/process/lease.hpp>

namespace jailed::host {

bool Lease::supported() {
#if JAILED_LINUX
  return true;
#else
  return false;
#endif
}

Lease::Lease(const std::string& path) : path_(path) {
  if (!supported() || ::mkfifo(path.c_str(), 0600) != 0) return;
  // For reading as well: opening does not wait for the jail, and a full pipe cannot block.
  write_end_ = Fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ::chmod(path.c_str(), 0444);
  // No signal's number: process 1 takes it out and does nothing.
  send(0);
}

bool Lease::was_read() const {
  int waiting = 1;
  return write_end_ && ::ioctl(write_end_.get(), FIONREAD, &waiting) == 0 && waiting == 0;
}

bool Lease::is_unread(const std::string& path) {
  struct stat info {};
  int waiting = 0;
  const Fd lease(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  return lease && ::fstat(lease.get(), &info) == 0 && S_ISFIFO(info.st_mode) && ::ioctl(lease.get(), FIONREAD, &waiting) == 0 && waiting > 0;
}

bool Lease::send(int signal) const {
  const auto byte = static_cast<unsigned char>(signal);
  return write_end_ && ::write(write_end_.get(), &byte, 1) == 1;
}

}  // namespace jailed::host
