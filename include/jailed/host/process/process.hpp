#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <jailed/core/command.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/files/fd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::host {

/// This process's environment, and a name's program on its PATH.
core::Environment environment_snapshot();
std::optional<std::string> find_program(const std::string& name, const core::Environment& environment);
bool is_executable_file(const std::string& path);

/// What every child starts with: this process's environment and the command's own variables; default signal
/// dispositions and an empty mask; fds 0, 1 and 2 only. A program that cannot be started is a core::Error.
/// How long a call takes is the child's own time: what it left behind (a daemon that holds its output) keeps nobody
/// waiting. What has a patience is killed with its process group when that is over, whatever it did with its output.

/// Starts a child with these fds as its input and output, and nothing as its error output. The caller waits
/// for it.
pid_t start_beside(const core::Command& command, int input, int output);
core::ExitStatus wait_for(pid_t pid);

struct Captured {
  core::ExitStatus status;
  std::string out;
  std::string err;
  bool overdue = false;  // it had not ended when nobody waited any longer: it was killed, and `err` is one line that says so
};

/// What an engine or Mutagen is asked it answers within this, or never.
constexpr std::chrono::seconds kAnswerPatience{60};
/// What it makes, starts or removes can be large.
constexpr std::chrono::seconds kDeedPatience{600};

/// Who prints more than this is killed: then `out` is empty, so that no part of it is taken for the whole, and `err` is one line that says so.
constexpr std::size_t kMostCaptured = std::size_t{64} << 20;

/// Runs to the end with no input and keeps what it prints (for short answers).
Captured capture(const core::Command& command, std::chrono::seconds patience = kAnswerPatience);

/// A child with no input that works while jailed does something else, in a process group of its own: a
/// terminal's Ctrl-C does not reach it. Killed with its owner, and with it what it started in its group.
class Background {
 public:
  explicit Background(const core::Command& command);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

  /// Waits for its end, at most so long. Once it has ended, its end and what it printed.
  std::optional<Captured> wait(std::chrono::milliseconds patience);

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

/// `capture` for a step that must not be cut short by Ctrl-C.
Captured capture_shielded(const core::Command& command);
Captured ask_shielded(const core::Command& command, std::chrono::seconds patience = kAnswerPatience);

/// The same for a step that others can hold up: killed, and nothing, when it has not ended by then.
std::optional<Captured> capture_shielded(const core::Command& command, std::chrono::milliseconds patience);

/// The same with its output in a new file, which goes again when the child fails.
Captured capture_to_file(const core::Command& command, const std::string& path, int mode);
/// The same with `input` as the child's input, for a child that may wait for ever on what others wrote: asked to end (TERM), then killed, and nothing, when it has not ended by
/// then. A terminal's Ctrl-C reaches it.
std::optional<Captured> capture_with_input(const core::Command& command, int input, std::chrono::seconds patience);

/// How long a child may be silent, and take in all.
struct Patience {
  std::chrono::seconds silence;
  std::chrono::seconds in_all;
};

/// Runs to the end with all that `from` gives as its input. Nothing when that does not go on: the child takes nothing, or `from` gives
/// nothing, for so long. A terminal's Ctrl-C reaches the child.
std::optional<Captured> capture_pouring(const core::Command& command, Fd from, Patience patience);

struct StreamedResult {
  core::ExitStatus status;
  std::string err;        // its last part, when it is long
  bool too_long = false;  // the output was longer than allowed, so the child was killed
  bool silent = false;    // it said nothing for too long, or took too long in all, so it was killed
  int write_error = 0;    // errno: `output` took no more, so it was killed
};

/// Runs to the end with no input and writes what it prints to `output`, at most `limit` bytes. In a process group of its own.
StreamedResult stream_to(const core::Command& command, int output, std::uint64_t limit, Patience patience);

struct LoggedResult {
  core::ExitStatus status;
  std::optional<int> interrupted_by;  // the signal that jailed got meanwhile
};

/// Runs to the end with no input; each line of its output and error output, in the order of arrival, goes to
/// `on_line` (one of more than a megabyte in parts). `on_tick` is called at least once a second. A terminal's Ctrl-C reaches the child by itself,
/// other signals are passed on.
LoggedResult run_with_lines(const core::Command& command,
                            const std::function<void(std::string_view)>& on_line,
                            const std::function<void()>& on_tick);

/// What the owner of a foreground child does when things happen.
struct ForegroundHooks {
  std::function<void(std::string_view)> on_error_output;  // what the child wrote to its error output
  std::function<void(int signal)> on_terminate;           // TERM or HUP came: end the work inside
  std::function<bool(int signal)>
      on_interrupt;                  // INT or QUIT came, not from the terminal; false: the child gets it
  std::function<void()> on_overdue;  // 15 s later it is still there: cut it off
};

struct ForegroundResult {
  core::ExitStatus status;
  bool terminated = false;  // TERM or HUP came meanwhile
};

/// Runs the child with this process's input and output and waits for it. INT and QUIT from the terminal
/// belong to the child, which is in the same process group; from elsewhere they go to `on_interrupt`. The
/// child is killed 20 s after TERM or HUP. The terminal's modes are put back when the child leaves others
/// behind.
ForegroundResult run_in_foreground(const core::Command& command, const ForegroundHooks& hooks);

}  // namespace jailed::host
