#include <jailed/core/table.hpp>

#include "catch.hpp"

using jailed::core::table;

TEST_CASE("a table's columns are as wide as their widest cell, and no line ends with blanks", "[core]") {
  CHECK(table({}).empty());
  CHECK(table({{"A", "LONG", "C"}, {"aaa", "b", "c"}}) == "A    LONG  C\naaa  b     c\n");
}
