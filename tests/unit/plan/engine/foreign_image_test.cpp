#include <jailed/plan/engine/foreign_image.hpp>

#include "catch.hpp"

using namespace jailed::plan;

TEST_CASE("an image is jailed's by the last component of its path", "[plan]") {
  for (const auto* own : {"jailed", "jailed:latest", "example.org:5000/team/jailed:1", "localhost/jailed@sha256:0"}) CHECK(is_named_jailed(own));
  for (const auto* other : {"debian:trixie", "jailed/debian", "notjailed:latest", "example.org/jailed-x:1", "x:jailed"}) CHECK_FALSE(is_named_jailed(other));
}

TEST_CASE("an image without the label of a build is somebody else's", "[plan]") {
  CHECK(is_foreign("\n"));
  CHECK(is_foreign("<no value>\n"));
  CHECK_FALSE(is_foreign("0.1.0\n"));
}
