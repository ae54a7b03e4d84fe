#pragma once
#include <charconv>
#include <string_view>
#include <system_error>

namespace jailed::core {

/// False when the text is more or less than one number of this type; `number` is then not to be used.
template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc{} && result.ptr == text.data() + text.size();
}

}  // namespace jailed::core
