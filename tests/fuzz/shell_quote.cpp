// A word that was quoted is read back by a real shell as it was. bash, since it has $'...'.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <jailed/core/command.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4000) return 0;
  const auto words = jailed::fuzz::split(jailed::fuzz::text_of(data, size), '\0');  // no argument has a NUL byte
  std::string script = "printf '%s\\0'", expected;
  for (const auto& word : words) {
    const auto quoted = jailed::core::shell_quote(word);
    MUST(jailed::fuzz::every_byte(quoted, [](auto c) { return c >= 0x20 && c != 0x7F; }));  // nothing that a terminal obeys
    script += " " + quoted;
    expected += word + '\0';
  }
  int out[2];
  MUST(::pipe(out) == 0);
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(out[1], 1);
    ::close(out[0]);
    ::execl("/bin/bash", "bash", "--norc", "-c", script.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  std::string said;
  char buffer[8192];
  // The fuzzer's own clock interrupts.
  for (ssize_t count = 0; (count = ::read(out[0], buffer, sizeof buffer)) != 0;) {
    MUST(count > 0 || errno == EINTR);
    if (count > 0) said.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(out[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) MUST(errno == EINTR);
  MUST(status == 0 && said == expected);
  return 0;
}
