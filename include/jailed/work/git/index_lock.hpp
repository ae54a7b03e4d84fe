#pragma once
#include <sys/types.h>

#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <utility>

namespace jailed::work {

/// The new index while it is made, beside the one that it will replace.
inline constexpr const char* kNewIndex = "index.jailed";

/// Holds index.lock of a git directory, so that no git changes the index or switches branches meanwhile. One that an
/// earlier jailed left when it was killed is known by its content, and taken over.
class IndexLock {
 public:
  /// Waits for a moment; throws Refused, with the next step, while somebody else has it. `owner`: whose file it becomes.
  IndexLock(const std::string& git_dir, std::optional<std::pair<uid_t, gid_t>> owner);
  IndexLock(const IndexLock&) = delete;
  IndexLock& operator=(const IndexLock&) = delete;
  ~IndexLock();

  /// Removes what a jailed that was killed left in a git directory, if it left anything. Not while somebody else has it locked.
  static void clear(const std::string& git_dir);

  /// The git directory, which may be at another place by now.
  int directory() const { return directory_.get(); }

 private:
  host::Fd directory_;
  host::Fd held_;  // flock(2) tells that who made it lives
};

}  // namespace jailed::work
