#pragma once

namespace jailed::core {

/// How a child ended: with an exit code, or by a signal.
struct ExitStatus {
  enum class How { exited, signalled } how = How::exited;
  int value = 0;  // exit code or signal number

  static ExitStatus exited(int code) { return {How::exited, code}; }
  static ExitStatus signalled(int signal) { return {How::signalled, signal}; }

  bool ok() const { return how == How::exited && value == 0; }
  /// The number a shell would show: the exit code, or 128 + signal.
  int shell_code() const { return how == How::exited ? value : 128 + value; }
  bool operator==(const ExitStatus&) const = default;
};

/// The one decoder of waitpid's status word.
ExitStatus decode_wait_status(int status);

}  // namespace jailed::core
