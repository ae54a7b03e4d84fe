#include <jailed/plan/session/record.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

SessionRecord full_record() {
  SessionRecord record;
  record.id = "0123456789ab";
  record.project = "/home/me/a b\n\xff%41";
  record.place = "/home/me/a b";
  record.engine = "docker ssh://there";
  record.synced = true;
  record.image = "jailed:latest";
  record.user = "coder";
  record.identity = {1001, 1002};
  record.allow = {core::Waiver::secret_store, core::Waiver::symlink};
  record.sandbox = "runsc";
  record.seccomp = core::Seccomp::engine;
  record.further = {{"api", "/srv/api,\"x\""}};
  record.beside = {{"/home/coder/.claude", "/c/agents/claude"}};
  record.syncs = {{.id = record.id, .project = record.project, .container = "jailed-a", .ignores = {"node_modules", "/.b\xc3"}, .name = "api"}};
  record.elsewhere = {"/code/main/.git/objects", "/a\n\xff/objects"};
  return record;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a session's record is read as it was written, whatever bytes its paths have", "[plan]") {
  const auto record = full_record();
  CHECK(parse_session_record(format_session_record(record)) == record);
  auto plain = record;
  plain.sandbox.reset();
  plain.synced = false;
  plain.allow.clear();
  CHECK(parse_session_record(format_session_record(plain)) == plain);
}

TEST_CASE("a record that no jailed wrote is none", "[plan]") {
  const auto text = format_session_record(full_record());
  CHECK(parse_session_record(text));
  CHECK_FALSE(parse_session_record(""));
  CHECK_FALSE(parse_session_record("[]"));
  CHECK_FALSE(parse_session_record(text.substr(0, text.size() / 2)));
  CHECK_FALSE(parse_session_record(replaced(text, "0123456789ab", "../../../../x")));
  CHECK_FALSE(parse_session_record(replaced(text, "\"/home/me/a%20b%0A", "\"home/me/")));
  CHECK_FALSE(parse_session_record(replaced(text, "1001", "0")));
  CHECK_FALSE(parse_session_record(replaced(text, "1001", "-1")));
  CHECK_FALSE(parse_session_record(replaced(text, "1001", "\"1001\"")));
  CHECK_FALSE(parse_session_record(replaced(text, "\"engine\"", "\"engines\"")));
}

TEST_CASE("a session's name is twelve hexadecimal digits", "[plan]") {
  CHECK(is_session_id("0123456789ab"));
  for (const auto* other : {"", "0123456789a", "0123456789abc", "0123456789aB", "0123456789a/", "../../../../x", ".DS_Store"}) CHECK_FALSE(is_session_id(other));
}
