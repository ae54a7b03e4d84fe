#pragma once
#include <stdexcept>
#include <string>

namespace jailed::core {

/// Exit codes that jailed itself gives; anything else is the command's own.
inline constexpr int kUsageError = 2;
inline constexpr int kFailed = 125;  // jailed or the engine failed, as docker and podman use it
inline constexpr int kNotRunnable = 126;
inline constexpr int kNotFound = 127;

/// A failure that ends jailed: what happened, and what the user does next.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, std::string next_step = {}, int exit_code = kFailed)
      : std::runtime_error(message), next_step_(std::move(next_step)), exit_code_(exit_code) {}

  /// May be empty; may have several lines.
  const std::string& next_step() const { return next_step_; }
  int exit_code() const { return exit_code_; }

 private:
  std::string next_step_;
  int exit_code_;
};

/// Wrong input on the command line or in a variable: exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message, std::string next_step = {})
      : Error(message, std::move(next_step), kUsageError) {}
};

}  // namespace jailed::core
