#include <jailed/core/nesting.hpp>
#include <string>

#include "catch.hpp"

using jailed::core::nests_deeper;

TEST_CASE("how deep lists and objects lie in one another is told without parsing", "[core]") {
  CHECK_FALSE(nests_deeper("", 0));
  CHECK_FALSE(nests_deeper(R"("[[[{{{")", 0));
  CHECK_FALSE(nests_deeper(R"(["\"[[[", "\\", {"[[": 1}, [], [], []])", 2));
  CHECK(nests_deeper(R"(["\\", [[1]]])", 2));
  CHECK_FALSE(nests_deeper("]]]][[", 2));
  CHECK(nests_deeper(std::string(1 << 20, '['), 64));
  CHECK(nests_deeper(R"({"a": {"b": [)", 2));
}
