#pragma once
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::core {

/// All of this looks into a text that somebody else has, and that has to be there for as long: it copies nothing.

/// The first part of `text`, which is shortened by it and the separator behind it.
inline std::string_view take_part(std::string_view& text, char separator) {
  const auto part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

/// The parts of a text. A separator ends a part: an empty text has none, and behind a separator at the end comes no further
/// one; two in a row have an empty one between them.
class Parts {
 public:
  Parts(std::string_view text, char separator) : text_(text), separator_(separator) {}

  class Iterator {
   public:
    Iterator(std::string_view rest, char separator) : rest_(rest), separator_(separator), at_end_(rest.empty()) { ++*this; }
    std::string_view operator*() const { return part_; }
    Iterator& operator++() {
      at_end_ = rest_.empty();
      part_ = take_part(rest_, separator_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    std::string_view rest_;
    std::string_view part_;
    char separator_;
    bool at_end_;
  };
  Iterator begin() const { return {text_, separator_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view text_;
  char separator_;
};

inline Parts parts(std::string_view text, char separator) { return {text, separator}; }
inline Parts lines(std::string_view text) { return {text, '\n'}; }
Parts parts(std::string&& text, char separator) = delete;  // it would be gone by the first part
Parts lines(std::string&& text) = delete;

inline constexpr std::string_view kBlanks = " \t\n\v\f\r";

/// What stands between characters of `blanks`, none of it empty.
std::vector<std::string_view> words(std::string_view text, std::string_view blanks = kBlanks);

/// Without the blanks at both ends.
std::string_view trimmed(std::string_view text, std::string_view blanks = kBlanks);

/// Without the ends of lines that it ends with.
std::string_view without_line_end(std::string_view text);

/// Whether it can be the version of a program, and nothing that a terminal or a path would take for more: letters, digits, and
/// ". - + ~", at most 64.
bool is_version(std::string_view text);

/// With the letters of ASCII in lower case.
std::string lower_case(std::string_view text);

}  // namespace jailed::core
