#include <jailed/plan/settings/toml.hpp>

#include "catch.hpp"

using jailed::plan::parse_toml;
using nlohmann::json;

TEST_CASE("TOML as JSON of the same meaning", "[plan]") {
  CHECK(parse_toml("").is_object());
  CHECK(parse_toml("a = 1\nb = [true, 1.5, 'x']\n[c.\"d.e\"]\nf = \"g\"\n[[h]]\ni = 1979-05-27\nj = 07:32:00\nk = 1979-05-27T07:32:00Z\n") ==
        json::parse(R"({"a": 1, "b": [true, 1.5, "x"], "c": {"d.e": {"f": "g"}},
                        "h": [{"i": "1979-05-27", "j": "07:32:00", "k": "1979-05-27T07:32:00Z"}]})"));
}

TEST_CASE("what is no TOML is nothing, and what is too deep as well", "[plan]") {
  for (const auto* text : {"a", "a = ", "[a", "a = 1\na = 2", "a = 'x", "\xff = 1"}) {
    CAPTURE(text);
    CHECK(parse_toml(text).is_discarded());
  }
  CHECK(parse_toml("a = " + std::string(100'000, '[')).is_discarded());
}
