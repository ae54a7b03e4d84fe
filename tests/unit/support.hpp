#pragma once
#include <initializer_list>
#include <jailed/core/error.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/host/files/files.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace jailed::core {
bool operator==(const Error& left, const Error& right);
std::ostream& operator<<(std::ostream& out, const Error& error);
std::ostream& operator<<(std::ostream& out, const std::optional<Error>& error);
}  // namespace jailed::core

namespace jailed::test {

/// A directory of this test's own.
class Scratch : public host::TemporaryDirectory {
 public:
  Scratch() : TemporaryDirectory("/tmp", "jailed-unit-") {}
  std::string operator/(const std::string& name) const { return path() + "/" + name; }
};

/// A command line that gives these settings, as {"memory", "8g"}.
inline core::Invocation giving(std::initializer_list<std::pair<std::string, std::string>> values) {
  core::Invocation invocation;
  for (const auto& [setting, value] : values) invocation.given.push_back({setting, value, "--" + setting});
  return invocation;
}

/// What a command line gives a setting, one after the other.
inline std::vector<std::string> given_to(const core::Invocation& invocation, const std::string& setting) {
  std::vector<std::string> values;
  for (const auto& given : invocation.given) {
    if (given.setting == setting) values.push_back(given.value);
  }
  return values;
}

/// The core::Error that `action` ends with, with message, next step and exit code; nothing when it does not.
template <typename Action>
std::optional<core::Error> error_of(Action&& action) {
  try {
    action();
  } catch (const core::Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Only the message, for where the rest has been looked at.
template <typename Action>
std::string message_of(Action&& action) {
  const auto error = error_of(action);
  return error ? error->what() : "(no error)";
}

}  // namespace jailed::test
