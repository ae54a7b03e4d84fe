#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/refs.hpp>

#include "catch.hpp"

using namespace jailed::plan;

namespace {
const std::string kOne(40, '1');
const std::string kTwo(40, '2');
const std::string kLong(64, 'a');
}  // namespace

TEST_CASE("loose refs are ids or names", "[plan]") {
  CHECK(parse_loose_ref(kOne + "\n") == kOne);
  CHECK(parse_loose_ref(kLong) == kLong);
  CHECK(parse_loose_ref("ref:  refs/heads/main\n") == "ref: refs/heads/main");
  for (const auto* bad : {"", "x", "1111", "../../etc/passwd\n"}) CHECK_FALSE(parse_loose_ref(bad));
}

TEST_CASE("a loose ref beats a packed one", "[plan]") {
  GitRefs refs = {{"refs/heads/a", kTwo}};
  add_packed_refs(
      "# pack-refs with: peeled\n" + kOne + " refs/heads/a\n" + kOne + " refs/tags/t\n^" + kTwo + "\njunk\n",
      refs);
  CHECK(refs == GitRefs{{"refs/heads/a", kTwo}, {"refs/tags/t", kOne}});
  CHECK(packed_refs_file({{"HEAD", "ref: refs/heads/a"}, {"refs/heads/a", kTwo}}) ==
        "# pack-refs with: sorted \n" + kTwo + " refs/heads/a\n");
}

TEST_CASE("refs survive their file", "[plan]") {
  const GitRefs refs = {{"HEAD", "ref: refs/heads/a"}, {"refs/heads/a b", kOne}, {"refs/heads/\xff", kLong}};
  CHECK(parse_refs(format_refs(refs)) == refs);
  CHECK(parse_refs("a\nb\tc\n\t" + kOne + "\n").empty());
}

TEST_CASE("only plain names become refs of the host", "[plan]") {
  for (const auto* good : {"refs/heads/main", "refs/heads/a/b.c_d-1", "refs/tags/v1.0", "refs/heads/a-"})
    CHECK(is_plain_ref_name(good));
  for (const auto* bad : {"HEAD", "heads/x", "refs/heads/", "refs/heads//x", "refs/heads/-x", "refs/heads/.x",
                          "refs/heads/x.lock", "refs/heads/a..b", "refs/heads/$(id)", "refs/heads/a b",
                          "refs/heads/x\ny", "refs/heads/\xc3\xa9", "refs/heads/HEAD", "refs/../x",
                          "refs/heads/x.", "refs/heads/x/", "refs/heads/a;b", "refs/heads/`x`"}) {
    INFO(bad);
    CHECK_FALSE(is_plain_ref_name(bad));
  }
  CHECK_FALSE(is_plain_ref_name("refs/heads/" + std::string(300, 'x')));
}

TEST_CASE("what arrives, where, and what does not", "[plan]") {
  const GitRefs known = {{"refs/heads/main", kOne}, {"stash/0", kOne}, {"HEAD", "ref: refs/heads/main"}};
  const GitRefs now = {
      {"refs/heads/main", kTwo},  {"refs/heads/$(x)", kTwo}, {"refs/tags/t", kOne},
      {"refs/remotes/o/x", kTwo}, {"stash/0", kTwo},         {"stash/1", kOne},
      {"stash/../../x", kTwo},    {"staged", kTwo},          {"HEAD", "ref: refs/heads/main"}};
  const auto arrivals = plan_arrivals(known, now, "id");
  CHECK(arrivals.refs == std::vector<Arrival>{{"refs/heads/main", "refs/jailed/id/heads/main", kTwo},
                                              {"refs/tags/t", "refs/jailed/id/tags/t", kOne},
                                              {"staged", "refs/jailed/id/staged", kTwo},
                                              {"stash/0", "refs/jailed/id/stash/0", kTwo}});
  CHECK(arrivals.refused == std::vector<std::string>{"refs/heads/$(x)", "refs/remotes/o/x", "stash/../../x"});
}

TEST_CASE("a name that is too long where it arrives is refused", "[plan]") {
  const auto name = "refs/heads/" + std::string(225, 'x');
  CHECK(is_plain_ref_name(name));
  const auto arrivals = plan_arrivals({}, {{name, kOne}}, "0123456789ab");
  CHECK(arrivals.refs.empty());
  CHECK(arrivals.refused == std::vector<std::string>{name});
}

TEST_CASE("the collector's answer is read up to its pack", "[plan]") {
  const auto answer = parse_collected("HEAD\tref: refs/heads/a\nrefs/heads/a\t" + kOne + "\n\nPACK\n\n");
  REQUIRE(answer);
  CHECK(answer->refs == GitRefs{{"HEAD", "ref: refs/heads/a"}, {"refs/heads/a", kOne}});
  CHECK(answer->pack_at == 23 + 13 + 41 + 1);
  for (const auto* bad : {"", "HEAD", "HEAD\tx\n\n", "no tab\n\n", "HEAD\tref: x\n"})
    CHECK_FALSE(parse_collected(bad));
}

TEST_CASE("changed submodules are seen in a raw diff", "[plan]") {
  const auto line = [](const std::string& modes, const std::string& path) {
    return ":" + modes + " " + kOne + " " + kTwo + " M" + '\0' + path + '\0';
  };
  CHECK(changed_gitlinks(line("100644 100644", "a") + line("000000 160000", "b") +
                         line("160000 000000", "c")) == std::vector<std::string>{"b", "c"});
}

TEST_CASE("a record survives its file, and half of one is none", "[plan]") {
  const GitRecord record{"/p\nx", "/p/.git",      "/c", "/above",        true,
                         true,    {"/o", "/p=q"}, "/l", "git/modules/x", "/jail/modules/0"};
  const auto text = format_record(record);
  CHECK(parse_record(text) == record);
  CHECK_FALSE(parse_record(text.substr(0, text.size() / 2)));
}
