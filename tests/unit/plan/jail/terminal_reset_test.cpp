#include <jailed/plan/jail/terminal_reset.hpp>

#include "catch.hpp"

using jailed::core::ExitStatus;
using jailed::plan::may_have_left_modes;
using jailed::plan::terminal_reset;

TEST_CASE("a terminal is put in order after an end that left no time for it", "[plan]") {
  for (const int code : {125, 129, 130, 137, 139, 143}) CHECK(may_have_left_modes(ExitStatus::exited(code)));
  CHECK(may_have_left_modes(ExitStatus::signalled(9)));
  for (const int code : {0, 1, 2, 126, 127, 128}) CHECK_FALSE(may_have_left_modes(ExitStatus::exited(code)));
}

TEST_CASE("every mode that a full-screen program sets is taken back", "[plan]") {
  for (const auto* term : {"xterm-256color", "tmux-256color", "xterm-kitty", "screen"}) {
    const auto text = terminal_reset(term);
    for (const auto* mode : {"?1000l", "?1002l", "?1003l", "?1004l", "?1006l", "?2004l", "?2026l", "?1049l", "?25h", "?1l",
                             "?7h", "4l", "r", "0m", "<99u", ">4m"})
      CHECK(text.find(std::string("\x1b[") + mode) != std::string::npos);
    CHECK(text.find("\x1b>") != std::string::npos);
    CHECK(text.find("\x1b(B") != std::string::npos);
  }
}

TEST_CASE("nothing is sent that shows on a terminal in which nothing was set", "[plan]") {
  const auto text = terminal_reset("xterm");
  CHECK(text.find("\x1b[?1049h") < text.find("\x1b[?1049l"));  // or the cursor would go to where it was long ago
  CHECK(text.find("\x1b" "7\x1b[r\x1b" "8") != std::string::npos);  // or it would go to the top
  CHECK(text.find('\n') == std::string::npos);
  for (const auto* mode : {"\x1b[?1007l", "\x1b[?12l", "\x1b[0 q", "\x1b" "c", "\x1b[2J"}) CHECK(text.find(mode) == std::string::npos);
}

TEST_CASE("what is no such terminal gets nothing, and the console what it knows", "[plan]") {
  CHECK(terminal_reset("").empty());
  CHECK(terminal_reset("dumb").empty());
  const auto console = terminal_reset("linux");
  CHECK(console.find("\x1b[?25h") != std::string::npos);
  for (const auto* part : {"\x1b[<", "\x1b[>", "\x1b[=", "1049"}) CHECK(console.find(part) == std::string::npos);
}
