#pragma once
#include <sys/types.h>

#include <jailed/core/command.hpp>
#include <jailed/host/files/fd.hpp>
#include <string>
#include <vector>

namespace jailed::host {

/// A process that runs a command when this one dies without destroying the object, by SIGKILL for instance. For what no
/// lease can end. It costs a fork and an exec, no call of the engine while all is well. It leaves it be while another
/// process owns the session (try_lock_directory): whatever has to be done is then done there. While the command runs the lock
/// is held together with others, which tells it from an owner: the next jailed waits for it.
class DeathWatch {
 public:
  DeathWatch(const std::string& session, const core::Command& last_will);
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;
  ~DeathWatch();

  /// The hidden subcommand in which this program is such a process: SESSION PROGRAM [ARG...] follow.
  static constexpr const char* kSubcommand = "__death-watch";
  static int serve(const std::vector<std::string>& arguments);

 private:
  pid_t pid_ = -1;
  Fd alive_;
};

}  // namespace jailed::host
