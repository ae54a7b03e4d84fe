#include <jailed/plan/jail/mount.hpp>
#include <random>

#include "catch.hpp"

using jailed::plan::csv_record;
using jailed::plan::unmountable;

namespace {

using Fields = std::vector<std::string>;

// One record as Go's encoding/csv reads it, which both engines use.
Fields read_csv(const std::string& record) {
  Fields fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (quoted && c == '"' && i + 1 < record.size() && record[i + 1] == '"') {
      fields.back() += record[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace

TEST_CASE("a record's fields are quoted when they have to be", "[plan]") {
  CHECK(csv_record({"type=bind", "source=/a b:c='d'", "target=/t"}) ==
        "type=bind,source=/a b:c='d',target=/t");
  CHECK(csv_record({"a,b", "c"}) == "\"a,b\",c");
  CHECK(csv_record({"a\"b"}) == "\"a\"\"b\"");
  CHECK(csv_record({"a\nb"}) == "\"a\nb\"");
  CHECK(csv_record({"\""}) == "\"\"\"\"");
}

TEST_CASE("a CSV reader gives every field back", "[plan]") {
  std::mt19937 random(99);
  const std::string letters = ",\"\n =:'\\a";
  std::uniform_int_distribution<std::size_t> one_of(0, letters.size() - 1);
  std::uniform_int_distribution<int> length(1, 8);
  for (int round = 0; round < 2000; ++round) {
    Fields fields(3);
    for (auto& field : fields) {
      for (int i = length(random); i > 0; --i) field += letters[one_of(random)];
    }
    CHECK(read_csv(csv_record(fields)) == fields);
  }
}

TEST_CASE("what no engine can mount exactly, and why", "[plan]") {
  CHECK(unmountable("/plain") == "");
  CHECK(unmountable("/caf\xc3\xa9 ,\"'=:\n\t\x1b") == "");
  CHECK(unmountable("/caf\xe9") == "a byte that is not UTF-8");
  CHECK(unmountable("/a\rb") == "a carriage return");
}
