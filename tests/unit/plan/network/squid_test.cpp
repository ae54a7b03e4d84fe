#include <jailed/core/text.hpp>
#include <jailed/plan/network/policy.hpp>

#include <algorithm>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

std::vector<std::string> lines_with(const std::string& text, std::string_view word) {
  std::vector<std::string> found;
  for (const auto line : jailed::core::lines(text)) {
    if (line.starts_with(word)) found.emplace_back(line);
  }
  return found;
}

NetworkPolicy some_policy() {
  return {.allow = {{{"example.org", false, 443}, "--allow"}, {{"example.com", true, 443}, "--allow"}, {{"plain.example", false, 80}, "--allow"}},
          .deny = {{"bad.example.com", false, 443}},
          .registries = true,
          .addresses = {"203.0.113.7"}};
}

}  // namespace

TEST_CASE("the configuration of a policy, in the order that decides", "[plan]") {
  const auto text = squid_configuration(some_policy());
  CHECK(lines_with(text, "http_access") == std::vector<std::string>{
                                               "http_access deny manager refused_host",
                                               "http_access deny tunnel !tunnels refused_port",
                                               "http_access deny !tunnel tunnels refused_port",
                                               "http_access deny denied refused_host",
                                               "http_access deny tunnel !listed refused_host",
                                               "http_access deny tunnel !port443 refused_port",
                                               "http_access deny tunnel private refused_address",
                                               "http_access allow tunnel",
                                               "http_access deny !http refused_port",
                                               "http_access deny listed !plain refused_port",
                                               "http_access deny !plain refused_host",
                                               "http_access deny !port80 refused_port",
                                               "http_access deny private refused_address",
                                               "http_access allow plain",
                                               "http_access deny refused_host",
                                           });
  CHECK(lines_with(text, "acl listed") == std::vector<std::string>{
                                              "acl listed_exact dstdomain -n example.org",
                                              R"(acl listed_below dstdom_regex -n ^([a-z0-9_-]+\.)+example\.com$)",
                                              "acl listed any-of listed_exact listed_below registries",
                                          });
  CHECK(lines_with(text, "acl plain") == std::vector<std::string>{"acl plain_exact dstdomain -n plain.example", "acl plain any-of plain_exact"});
  CHECK(lines_with(text, "acl private dst 203.0.113.7").size() == 1);
  // It listens where nobody but this container is.
  CHECK(lines_with(text, "http_port") == std::vector<std::string>{"http_port 127.0.0.1:3128", "http_port 127.0.0.1:3129"});
}

TEST_CASE("what nobody allows is refused: of an empty policy everything", "[plan]") {
  const auto text = squid_configuration({});
  CHECK(lines_with(text, "http_access allow") == std::vector<std::string>{"http_access allow tunnel"});
  const auto rules = lines_with(text, "http_access");
  const auto refused = std::find(rules.begin(), rules.end(), "http_access deny tunnel refused_host");
  REQUIRE(refused != rules.end());
  CHECK(refused < std::find(rules.begin(), rules.end(), "http_access allow tunnel"));
  CHECK(rules.back() == "http_access deny refused_host");
}

TEST_CASE("who observes lets through all but private addresses and what is denied", "[plan]") {
  auto policy = some_policy();
  policy.observe = true;
  const auto rules = lines_with(squid_configuration(policy), "http_access");
  const std::vector<std::string> expected = {"http_access deny denied refused_host", "http_access deny tunnel private refused_address", "http_access allow tunnel",
                                             "http_access deny !http refused_port", "http_access deny private refused_address", "http_access allow all",
                                             "http_access deny refused_host"};
  CHECK(std::vector<std::string>(rules.begin() + 3, rules.end()) == expected);
}

TEST_CASE("every range that leads to somebody's inside is there", "[plan]") {
  const auto text = squid_configuration({});
  for (const auto* range : {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "168.63.129.16", "0.0.0.0/8", "224.0.0.0/4",
                            "240.0.0.0/4", "::/96", "64:ff9b::/96", "2002::/16", "2001::/32", "fc00::/7", "fe80::/10", "ff00::/8"}) {
    INFO(range);
    CHECK(lines_with(text, std::string("acl private dst ") + range).size() >= 1);
  }
}

TEST_CASE("what a policy says of a host", "[plan]") {
  const auto policy = some_policy();
  CHECK(ask_policy(policy, "example.org", 443).rule == "--allow: example.org");
  CHECK(ask_policy(policy, "a.example.com", 443).allowed);
  CHECK_FALSE(ask_policy(policy, "example.com", 443).allowed);
  CHECK_FALSE(ask_policy(policy, "example.org", 80).allowed);
  CHECK(ask_policy(policy, "plain.example", 80).allowed);
  CHECK(ask_policy(policy, "bad.example.com", 443).rule == "denied: bad.example.com");
  CHECK_FALSE(ask_policy(policy, "bad.example.com", 80).allowed);
}

TEST_CASE("a policy is read again as it was written, and nothing else is one", "[plan]") {
  const auto policy = some_policy();
  CHECK(parse_policy(format_policy(policy)) == policy);
  for (const auto* text : {"", "{}", "[]", "null", R"({"observe":1,"registries":true,"allow":[],"deny":[],"addresses":[]})",
                           R"({"observe":false,"registries":true,"allow":[["a b",""]],"deny":[],"addresses":[]})"})
    CHECK_FALSE(parse_policy(text).has_value());
}
