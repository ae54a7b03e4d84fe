#pragma once
#include <sys/types.h>

#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <utility>

namespace jailed::work {

/// Holds index.lock of a git directory, so that no git changes the index or switches branches meanwhile. One that an
/// earlier jailed left when it was killed is known by its content, and taken over.
class IndexLock {
 public:
  /// Waits for a moment; throws Refused, with the next step, while somebody else has it. `owner`: whose file it becomes.
  IndexLock(const std::string& git_dir, std::optional<std::pair<uid_t, gid_t>> owner);
  IndexLock(const IndexLock&) = delete;
  IndexLock& operator=(const IndexLock&) = delete;
  ~IndexLock();

  /// The git directory, which may be at another place by now.
  int directory() const { return directory_.get(); }

 private:
  host::Fd directory_;
  host::Fd held_;  // flock(2) tells that who made it lives
};

}  // namespace jailed::work
