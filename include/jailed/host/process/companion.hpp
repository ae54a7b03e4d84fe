#pragma once
#include <sys/types.h>

#include <jailed/core/command.hpp>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/files/fd.hpp>
#include <optional>

namespace jailed::host {

/// A child that works beside the foreground one for as long as this object lives. The child's contract: it
/// says "ready" on its output once it works, ends when its input ends (which is also when jailed is killed),
/// and closes its output at the very end.
class Companion {
 public:
  /// Returns when the child is ready; throws core::Error with the child's words when it ends instead.
  explicit Companion(const core::Command& command);
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;
  ~Companion() { end(); }

  /// Ends the input and waits for the child, a minute and a half at most: how it ended, or nothing when it is still at it.
  std::optional<core::ExitStatus> end();

 private:
  std::optional<core::ExitStatus> status_;
  pid_t pid_ = -1;
  Fd input_;
  Fd output_;
};

}  // namespace jailed::host
