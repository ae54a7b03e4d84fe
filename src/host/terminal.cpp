#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <jailed/host/terminal.hpp>

namespace jailed::host {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

int terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::optional<std::string> read_line() {
  std::string line;
  char c = 0;
  // Byte by byte: what comes after the line belongs to the command that starts next.
  while (::read(0, &c, 1) == 1) {
    if (c == '\n') return line;
    line += c;
  }
  return std::nullopt;
}

TerminalModes::TerminalModes() {
  termios now{};
  if (::tcgetattr(0, &now) == 0) modes_ = now;
}

TerminalModes::~TerminalModes() {
  termios now{};
  if (!modes_ || ::tcgetattr(0, &now) != 0) return;
  if (now.c_iflag == modes_->c_iflag && now.c_oflag == modes_->c_oflag && now.c_cflag == modes_->c_cflag &&
      now.c_lflag == modes_->c_lflag && std::memcmp(now.c_cc, modes_->c_cc, sizeof now.c_cc) == 0) {
    return;
  }
  // From the background this would stop jailed with TTOU instead of ending it.
  sigset_t tty_output;
  sigset_t former;
  ::sigemptyset(&tty_output);
  ::sigaddset(&tty_output, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &tty_output, &former);
  ::tcsetattr(0, TCSADRAIN, &*modes_);
  ::sigprocmask(SIG_SETMASK, &former, nullptr);
}

}  // namespace jailed::host
