#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace jailed::core {

struct EnvVar {
  std::string name;
  std::string value;
  bool operator==(const EnvVar&) const = default;
};

/// One process to start. Values in `env` are added to the child's environment and never to its argument list.
struct Command {
  std::string program;
  std::vector<std::string> args;
  std::vector<EnvVar> env;
  bool operator==(const Command&) const = default;
};

/// `text` as one word of a POSIX shell; bytes that a terminal could interpret come as $'\ooo', which bash,
/// zsh and ksh read (POSIX has it since 2024; dash does not).
std::string shell_quote(std::string_view text);

/// The command as one line that a shell would run; the values in `env` are shown as ***.
std::string shell_line(const Command& command);

/// `text` safe to print: control characters and bytes that are not UTF-8 are escaped as \ooo.
std::string printable(std::string_view text);

}  // namespace jailed::core
