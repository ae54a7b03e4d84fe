#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// Ends the run with a crash, which is what a fuzzer reports.
#define MUST(condition)                                                       \
  do {                                                                        \
    if (!(condition)) {                                                       \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                           \
    }                                                                         \
  } while (false)

namespace jailed::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Of every byte: `promise(byte)`, a byte being 0 to 255.
template <typename Promise>
bool every_byte(std::string_view text, Promise&& promise) {
  for (const char c : text)
    if (!promise(static_cast<unsigned char>(c))) return false;
  return true;
}

/// The parts between separators; an empty text is one empty part.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace jailed::fuzz
