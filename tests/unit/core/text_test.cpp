#include <jailed/core/text.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace std::string_view_literals;
namespace core = jailed::core;

namespace {

using Views = std::vector<std::string_view>;

Views parts_in(std::string_view text, char separator) {
  Views found;
  for (const auto part : core::parts(text, separator)) found.push_back(part);
  return found;
}

template <typename Text>
concept Divisible = requires(Text&& text) { core::parts(std::forward<Text>(text), '/'); };

}  // namespace

TEST_CASE("a separator ends a part", "[core]") {
  CHECK(parts_in("", '\n').empty());
  CHECK(parts_in("a", '\n') == Views{"a"});
  CHECK(parts_in("a\n", '\n') == Views{"a"});
  CHECK(parts_in("\n", '\n') == Views{""});
  CHECK(parts_in("a\n\nb\n", '\n') == Views{"a", "", "b"});
  CHECK(parts_in("/a/b", '/') == Views{"", "a", "b"});
  CHECK(parts_in("a\0b\0"sv, '\0') == Views{"a", "b"});
}

TEST_CASE("a part is taken with its separator", "[core]") {
  auto rest = "one,two,,"sv;
  CHECK(core::take_part(rest, ',') == "one");
  CHECK(rest == "two,,");
  CHECK(core::take_part(rest, ',') == "two");
  CHECK(core::take_part(rest, ',').empty());
  CHECK(rest.empty());
  CHECK(core::take_part(rest, ',').empty());
}

TEST_CASE("a text that is gone by the first part is not divided", "[core]") {
  STATIC_REQUIRE(Divisible<std::string&>);
  STATIC_REQUIRE(Divisible<std::string_view>);
  STATIC_REQUIRE_FALSE(Divisible<std::string>);
}

TEST_CASE("words are what stands between blanks", "[core]") {
  CHECK(core::words("").empty());
  CHECK(core::words(" \t\n").empty());
  CHECK(core::words("  one two\r\nthree") == Views{"one", "two", "three"});
  CHECK(core::words("/a//b/", "/") == Views{"a", "b"});
}

TEST_CASE("what stands around a text is taken away", "[core]") {
  CHECK(core::trimmed("").empty());
  CHECK(core::trimmed(" \t ").empty());
  CHECK(core::trimmed("\t a b\r\n") == "a b");
  CHECK(core::trimmed("--a-b-", "-") == "a-b");
  CHECK(core::without_line_end(" a \r\n\n") == " a ");
  CHECK(core::without_line_end("\n").empty());
}

TEST_CASE("lower case is of ASCII only", "[core]") {
  CHECK(core::lower_case("AzZ09-ÄŒ") == "azz09-ÄŒ");
}
