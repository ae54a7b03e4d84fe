#include <fcntl.h>
#include <unistd.h>

#include <jailed/host/files/fd.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/terminal.hpp>

#include "catch.hpp"

using namespace jailed::host;

namespace {

// Puts `text` on fd 0 for a while.
class Input {
 public:
  explicit Input(std::string_view text) : former_(::dup(0)) {
    auto pipe = make_pipe();
    REQUIRE(::write(pipe.write.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::dup2(pipe.read.get(), 0);
  }
  ~Input() { ::dup2(former_.get(), 0); }

 private:
  Fd former_;
};

}  // namespace

TEST_CASE("a line is read and not a byte more", "[host]") {
  const Input input("yes\nrest\n\nunfinished");
  CHECK(read_line() == "yes");
  char next = 0;
  REQUIRE(::read(0, &next, 1) == 1);
  CHECK(next == 'r');
  CHECK(read_line() == "est");
  CHECK(read_line() == "");
  CHECK(read_line() == std::nullopt);
  CHECK(read_line() == std::nullopt);
}

TEST_CASE("a pipe is no terminal and has the usual width", "[host]") {
  const auto pipe = make_pipe();
  CHECK_FALSE(is_terminal(pipe.read.get()));
  CHECK_FALSE(is_terminal(-1));
  CHECK(terminal_width(pipe.read.get()) == 80);
}

TEST_CASE("descriptors are moved, closed once and not inherited", "[host]") {
  auto pipe = make_pipe();
  const int number = pipe.read.get();
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  Fd moved(std::move(pipe.read));
  CHECK(moved.get() == number);
  CHECK_FALSE(pipe.read);
  moved.reset();
  CHECK_FALSE(moved);
  CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("the machine has memory, and a time zone that is a name or nothing", "[host]") {
  CHECK(memory_size() > 64U * 1024 * 1024);
  CHECK(time_zone().find("zoneinfo") == std::string::npos);
  CHECK_FALSE(time_zone().starts_with('/'));
}
