#pragma once
#include <jailed/core/number.hpp>
#include <jailed/core/text.hpp>
#include <string>
#include <string_view>

namespace jailed::core {

/// Records of fields, each ended by a NUL, which no path and no argument can hold: what jailed notes in its sessions, what git says with
/// -z, what the kernel says of a process.

inline void add_field(std::string& text, std::string_view field) {
  text += field;
  text += '\0';
}

/// Each of them; the last one may lack its end.
inline Parts fields(std::string_view text) { return {text, '\0'}; }
Parts fields(std::string&& text) = delete;  // it would be gone by the first field

/// Reads them in their order, and knows whether all was there.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

  /// Empty, and no longer ok, where none is left that has its end.
  std::string_view field() {
    const auto end = rest_.find('\0');
    ok_ = ok_ && end != std::string_view::npos;
    if (!ok_) {
      rest_ = {};
      return {};
    }
    return take_part(rest_, '\0');
  }

  template <typename Number>
  Number number() {
    Number value{};
    if (parse_number(field(), value)) return value;
    ok_ = false;
    return {};
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace jailed::core
