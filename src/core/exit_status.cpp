#include <sys/wait.h>

#include <jailed/core/exit_status.hpp>

namespace jailed::core {

ExitStatus decode_wait_status(int status) {
  if (WIFSIGNALED(status)) return ExitStatus::signalled(WTERMSIG(status));
  return ExitStatus::exited(WEXITSTATUS(status));
}

}  // namespace jailed::core
