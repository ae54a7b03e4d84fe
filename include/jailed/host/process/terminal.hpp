#pragma once
#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

namespace jailed::host {

bool is_terminal(int fd);

/// Width in columns of the terminal behind `fd`; 80 when it does not say.
int terminal_width(int fd);

/// Writes to the terminal on fd 1; nothing where there is none, or when it is gone.
void write_to_terminal(std::string_view text);

/// A line typed by the user, without its line break; nothing at the end of the input.
std::optional<std::string> read_line();

/// Remembers the modes of the terminal on fd 0 and puts them back: a killed engine client leaves it raw.
class TerminalModes {
 public:
  TerminalModes();
  TerminalModes(const TerminalModes&) = delete;
  TerminalModes& operator=(const TerminalModes&) = delete;
  ~TerminalModes();

 private:
  std::optional<termios> modes_;
};

}  // namespace jailed::host
