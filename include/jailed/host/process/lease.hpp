#pragma once
#include <jailed/host/files/fd.hpp>
#include <string>

namespace jailed::host {

/// A FIFO that process 1 of the jail reads: a byte is a signal for the jail's command, the end of the stream
/// says that jailed is gone. The end comes by itself when jailed dies, however it dies. Nobody in the jail
/// can open the FIFO for writing (mode 0444 on a read-only mount), or it could keep itself alive.
class Lease {
 public:
  /// Where a FIFO cannot be made (file systems without them; macOS, whose engines are in a virtual machine)
  /// the lease is empty, and jailed's other nets hold.
  explicit Lease(const std::string& path);

  /// Whether this system's containers can hold such a FIFO.
  static bool supported();

  explicit operator bool() const { return static_cast<bool>(write_end_); }
  const std::string& path() const { return path_; }
  /// Whether process 1 has read what is in it from the beginning: then the jail's command has begun. That it has not tells
  /// nothing (an image without our init, an engine in a virtual machine).
  bool was_read() const;
  /// Whether there is a lease of which process 1 has not read yet. For whoever may look at it.
  static bool is_unread(const std::string& path);
  /// Whether the signal could be handed over.
  bool send(int signal) const;
  void release() { write_end_.reset(); }

 private:
  std::string path_;
  Fd write_end_;
};

}  // namespace jailed::host
