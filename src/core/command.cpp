#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/command.hpp>
#include <jailed/core/utf8.hpp>

namespace jailed::core {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

bool needs_no_quotes(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

bool needs_escapes(std::string_view text) {
  if (!is_utf8(text)) return true;
  // U+0080 to U+009F are control characters too; in UTF-8 they begin with 0xC2.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return std::any_of(text.begin(), text.end(), is_control);
}

std::string escape_byte(char c) { return fmt::format("\\{:03o}", static_cast<unsigned char>(c)); }

bool is_plain_ascii(char c) { return static_cast<unsigned char>(c) < 0x80 && !is_control(c); }

}  // namespace

std::string shell_quote(std::string_view text) {
  if (text.empty()) return "''";
  if (needs_escapes(text)) {
    std::string quoted = "$'";
    for (const char c : text) {
      if (c == '\'' || c == '\\') {
        quoted += '\\';
        quoted += c;
      } else {
        quoted += is_plain_ascii(c) ? std::string(1, c) : escape_byte(c);
      }
    }
    return quoted + "'";
  }
  // zsh takes "=ls" for the path of ls.
  if (text.front() != '=' && std::all_of(text.begin(), text.end(), needs_no_quotes)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string shell_line(const Command& command) {
  std::string line;
  for (const auto& variable : command.env) line += variable.name + "='***' ";
  line += shell_quote(command.program);
  for (const auto& arg : command.args) line += ' ' + shell_quote(arg);
  return line;
}

std::string printable(std::string_view text) {
  if (!needs_escapes(text)) return std::string(text);
  std::string shown;
  for (const char c : text) shown += is_plain_ascii(c) ? std::string(1, c) : escape_byte(c);
  return shown;
}

}  // namespace jailed::core
