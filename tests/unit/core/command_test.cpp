#include <jailed/core/command.hpp>
#include <jailed/core/utf8.hpp>
#include <jailed/host/process/process.hpp>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"

using jailed::core::Command;
using jailed::core::printable;
using jailed::core::shell_line;
using jailed::core::shell_quote;

namespace {

using Words = std::vector<std::string>;

// Every byte but NUL, which no argument can hold; half of the words are drawn from what shells care about.
Words random_words(std::size_t count) {
  std::mt19937 random(4711);
  std::uniform_int_distribution<int> length(0, 12);
  std::uniform_int_distribution<int> byte(1, 255);
  const std::string special = " \t\n'\"\\$`!*?[]{}()<>|&;#~=%^-+:,./@_09azAZ\x1b\x7f\xc2\x9b\xc3\xa9";
  std::uniform_int_distribution<std::size_t> one_of(0, special.size() - 1);
  Words words;
  for (std::size_t i = 0; i < count; ++i) {
    std::string word(static_cast<std::size_t>(length(random)), ' ');
    for (auto& c : word) c = i % 2 == 0 ? static_cast<char>(byte(random)) : special[one_of(random)];
    words.push_back(std::move(word));
  }
  return words;
}

Words awkward_words() {
  return {"",
          " ",
          "'",
          "''",
          "\"",
          "\\",
          "\\n",
          "$HOME",
          "`id`",
          "$(id)",
          "=ls",
          "=",
          "a=b",
          "~",
          "~root",
          "-n",
          "--",
          "*",
          "!!",
          "#x",
          "a b",
          "a\nb",
          "\n",
          "\x01"
          "23",
          "\x1b[31m",
          "\xc3\xa9",
          "\xff",
          "\xc2\x9b",
          "\x7f",
          "a'b\nc",
          "%s%n",
          "{a,b}",
          "^x",
          "a\\\nb",
          "\\'",
          "$'x'",
          "&&",
          ";",
          "|",
          "<(x)",
          "\xe2\x82\xac '"};
}

// The quoted words that the shell takes for something else.
Words misread_by(const Words& shell, const Words& words, const std::string& locale) {
  std::string script = "printf '%s\\0'";
  for (const auto& word : words) script += ' ' + shell_quote(word);
  Command command{shell.front(), {shell.begin() + 1, shell.end()}, {{"LC_ALL", locale}}};
  command.args.insert(command.args.end(), {"-c", script});
  const auto captured = jailed::host::capture(command);
  INFO(captured.err);
  REQUIRE(captured.status.ok());
  Words misread;
  std::size_t at = 0;
  for (const auto& word : words) {
    const auto end = captured.out.find('\0', at);
    if (end == std::string::npos || captured.out.substr(at, end - at) != word)
      misread.push_back(shell_quote(word));
    at = end == std::string::npos ? captured.out.size() : end + 1;
  }
  return misread;
}

bool has_control_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("shells give a quoted word back byte by byte", "[core]") {
  auto words = awkward_words();
  const auto random = random_words(2000);
  words.insert(words.end(), random.begin(), random.end());
  const std::string locale = GENERATE("C", "C.UTF-8");
  CAPTURE(locale);
  CHECK(misread_by({"/bin/bash", "--norc"}, words, locale) == Words{});
  if (jailed::host::is_executable_file("/bin/zsh"))
    CHECK(misread_by({"/bin/zsh", "-f"}, words, locale) == Words{});
}

TEST_CASE("a POSIX shell gives back every word without control characters", "[core]") {
  Words words;
  for (auto& word : random_words(4000)) {
    if (!shell_quote(word).starts_with("$'")) words.push_back(std::move(word));
  }
  REQUIRE(words.size() > 1000);
  CHECK(misread_by({"/bin/sh"}, words, "C") == Words{});
}

TEST_CASE("quotes appear only where they are needed, and a line never holds a raw control character",
          "[core]") {
  CHECK(shell_quote("") == "''");
  CHECK(shell_quote("--mount") == "--mount");
  CHECK(shell_quote("type=bind,source=/a,target=/b") == "type=bind,source=/a,target=/b");
  CHECK(shell_quote("a b") == "'a b'");
  CHECK(shell_quote("it's") == "'it'\\''s'");
  CHECK(shell_quote("caf\xc3\xa9") == "'caf\xc3\xa9'");
  CHECK(shell_quote("a\nb") == "$'a\\012b'");
  CHECK(shell_quote("\x1b[31m'\\") == "$'\\033[31m\\'\\\\'");
  CHECK(shell_quote("\xff") == "$'\\377'");
  for (const auto& word : random_words(2000)) CHECK_FALSE(has_control_byte(shell_quote(word)));
}

TEST_CASE("a command's line runs as the command would, without showing its variables' values", "[core]") {
  const Command command{
      "/usr/bin/printf", {"<%s>", "a b", "it's", "--env", "X"}, {{"X", "secret"}, {"Y", "other"}}};
  CHECK(shell_line(command) == "X='***' Y='***' /usr/bin/printf '<%s>' 'a b' 'it'\\''s' --env X");
  const auto captured = jailed::host::capture({"/bin/sh", {"-c", shell_line(command)}, {}});
  CHECK(captured.out == "<a b><it's><--env><X>");
}

TEST_CASE("printable leaves clean text alone and escapes what a terminal would obey", "[core]") {
  CHECK(printable("") == "");
  CHECK(printable("/home/me/caf\xc3\xa9 'x' \\") == "/home/me/caf\xc3\xa9 'x' \\");
  CHECK(printable("a\nb") == "a\\012b");
  CHECK(printable("\x1b]0;owned\x07") == "\\033]0;owned\\007");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\302\\23331m");
  CHECK(printable("\xff\x7f") == "\\377\\177");
  for (const auto& word : random_words(4000)) {
    const auto shown = printable(word);
    CHECK_FALSE(has_control_byte(shown));
    CHECK(jailed::core::is_utf8(shown));
  }
}
