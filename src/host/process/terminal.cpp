#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <jailed/host/process/terminal.hpp>

namespace jailed::host {
namespace {

// From the background a terminal's use would stop jailed with TTOU instead of ending it.
class TerminalOutput {
 public:
  TerminalOutput() {
    sigset_t tty_output;
    sigemptyset(&tty_output);
    sigaddset(&tty_output, SIGTTOU);
    ::sigprocmask(SIG_BLOCK, &tty_output, &former_);
  }
  TerminalOutput(const TerminalOutput&) = delete;
  TerminalOutput& operator=(const TerminalOutput&) = delete;
  ~TerminalOutput() { ::sigprocmask(SIG_SETMASK, &former_, nullptr); }

 private:
  sigset_t former_{};
};

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

int terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_to_terminal(std::string_view text) {
  if (!is_terminal(1)) return;
  const TerminalOutput allowed;
  while (!text.empty()) {
    const auto count = ::write(1, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
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
  const TerminalOutput allowed;
  ::tcsetattr(0, TCSADRAIN, &*modes_);
}

}  // namespace jailed::host
