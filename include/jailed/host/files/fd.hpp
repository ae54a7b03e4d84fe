#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace jailed::host {

/// How a directory is opened that may be no link.
inline constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

/// A pipe that no child inherits. Throws core::Error.
Pipe make_pipe();

/// /dev/null for reading and writing, inherited by no child. Throws core::Error: with nothing in its place a child would
/// have jailed's own input.
Fd open_null();

}  // namespace jailed::host
