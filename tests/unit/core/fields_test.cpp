#include <jailed/core/fields.hpp>

#include "catch.hpp"

using namespace jailed::core;

TEST_CASE("fields may hold whatever a path can", "[core]") {
  std::string text;
  for (const auto* field : {"a b", "", "c=\nd"}) add_field(text, field);
  CHECK(text == std::string("a b\0\0c=\nd\0", 10));
  std::vector<std::string_view> found;
  for (const auto field : fields(text)) found.push_back(field);
  CHECK(found == std::vector<std::string_view>{"a b", "", "c=\nd"});
}

TEST_CASE("a reader of fields knows what is missing, and goes on with nothing", "[core]") {
  FieldReader whole(std::string_view("7\0x\0", 4));
  CHECK(whole.number<int>() == 7);
  CHECK(whole.field() == "x");
  CHECK((whole.at_end() && whole.ok()));
  CHECK(whole.field().empty());
  CHECK_FALSE(whole.ok());
  FieldReader cut("7");
  CHECK(cut.field().empty());
  CHECK((cut.at_end() && !cut.ok()));
  FieldReader wrong(std::string_view("7a\0b\0", 5));
  CHECK(wrong.number<int>() == 0);
  CHECK_FALSE(wrong.ok());
  CHECK(wrong.field().empty());
}
