#include <jailed/core/utf8.hpp>
#include <string>
#include <string_view>

#include "catch.hpp"

using jailed::core::is_utf8;
using namespace std::string_view_literals;

namespace {

// The straightforward encoder, to compare the checker with.
std::string encode(unsigned point) {
  std::string text;
  const auto push = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    push(point);
  } else if (point < 0x800) {
    push(0xC0 | (point >> 6));
    push(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    push(0xE0 | (point >> 12));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  } else {
    push(0xF0 | (point >> 18));
    push(0x80 | ((point >> 12) & 0x3F));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  }
  return text;
}

}  // namespace

TEST_CASE("every code point's encoding is UTF-8, but for the surrogates", "[core]") {
  unsigned wrong = 0;
  for (unsigned point = 0; point < 0x110000; ++point) {
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    if (is_utf8(encode(point)) == surrogate) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK_FALSE(is_utf8(encode(0x110000)));
}

TEST_CASE("what is not the shortest form, cut or alone is not UTF-8", "[core]") {
  const auto text =
      GENERATE("\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x20"sv, "\xC3\xC3"sv,
               "\xE0\x80\x80"sv, "\xE0\x9F\xBF"sv, "\xE2\x82"sv, "\xE2\x82\x20"sv, "\xED\xA0\x80"sv,
               "\xF0\x80\x80\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x9F\x98"sv, "\xF4\x90\x80\x80"sv,
               "\xF5\x80\x80\x80"sv, "\xFE"sv, "\xFF"sv, "good\xC3\xA9 then \xE9"sv);
  INFO("size " << text.size());
  CHECK_FALSE(is_utf8(text));
}

TEST_CASE("nothing, ASCII, NUL and mixed text are UTF-8", "[core]") {
  CHECK(is_utf8(""sv));
  CHECK(is_utf8("plain"sv));
  CHECK(is_utf8("\0"sv));
  CHECK(is_utf8("h\xC3\xA9llo \xE2\x82\xAC \xF0\x9F\x98\x80"sv));
}
