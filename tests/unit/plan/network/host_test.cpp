#include <jailed/core/error.hpp>
#include <jailed/plan/network/host.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::UsageError;

TEST_CASE("a host is a name in lower case, without its last dot", "[plan]") {
  CHECK(parse_host_rule("example.org", "--allow") == HostRule{"example.org", false, 443});
  CHECK(parse_host_rule("API.Example.ORG.", "--allow") == HostRule{"api.example.org", false, 443});
  CHECK(parse_host_rule("example.org:80", "--allow") == HostRule{"example.org", false, 80});
  CHECK(parse_host_rule("example.org:443", "--allow") == HostRule{"example.org", false, 443});
  CHECK(parse_host_rule("*.example.org", "--allow") == HostRule{"example.org", true, 443});
  CHECK(parse_host_rule("xn--bcher-kva.example", "--allow").name == "xn--bcher-kva.example");
  for (const auto* text : {"example.org", "*.example.org:80", "a_b.example.org:80"}) CHECK(host_rule_text(parse_host_rule(text, "x")) == text);
}

TEST_CASE("what could mean another host than it seems is refused", "[plan]") {
  const auto hostile = GENERATE(as<std::string>{},
      "", ".", "..", "localhost", "org", "*", "*.", "*.org", "**.example.org", "a.*.example.org", "*example.org", ".example.org", "example..org",
      "example.org..", "-example.org", "example-.org", "127.0.0.1", "2130706433", "1.2", "0x7f.1", "example.1", "example.0x7f", "[::1]", "::1", "::ffff:127.0.0.1",
      "https://example.org", "example.org/path", "user@example.org", "example.org:22", "example.org:", "example.org:0443", "example.org:+443",
      "example.org:65979", "exam ple.org", "example.org\n", "example.org\nacl all src all", "example.org\"", "example.org#", "example.org|evil.org", "example.org,evil.org",
      "b\xC3\xBC" "cher.example", "example\xE3\x80\x82org", "example.org%00.evil", "cloudflare-ech.com", "(a)+.example.org", "example.org$", "^example.org");
  INFO(hostile);
  CHECK_THROWS_AS(parse_host_rule(hostile, "--allow"), UsageError);
}

TEST_CASE("a zero byte ends no name", "[plan]") {
  CHECK_THROWS_AS(parse_host_rule(std::string("example.org\0.evil.org", 21), "--allow"), UsageError);
  CHECK_FALSE(is_host_name(std::string_view("example.org\0", 12)));
}

TEST_CASE("labels and names have the lengths that DNS has", "[plan]") {
  const std::string label(63, 'a');
  CHECK(is_host_name(label + ".org"));
  CHECK_FALSE(is_host_name(label + "a.org"));
  std::string name = label + "." + label + "." + label + ".";
  CHECK(is_host_name(name + std::string(61, 'b')));
  CHECK_FALSE(is_host_name(name + std::string(62, 'b')));
}

TEST_CASE("a star covers what is below, and not the name itself", "[plan]") {
  const auto rule = parse_host_rule("*.example.org", "x");
  CHECK(covers(rule, "a.example.org", 443));
  CHECK(covers(rule, "a.b.example.org", 443));
  for (const auto* other : {"example.org", ".example.org", "aexample.org", "a.example.org.evil.net", "a.example.orga", "example.org.a"}) {
    INFO(other);
    CHECK_FALSE(covers(rule, other, 443));
  }
  CHECK_FALSE(covers(rule, "a.example.org", 80));
  CHECK_FALSE(covers(parse_host_rule("example.org", "x"), "a.example.org", 443));
}

TEST_CASE("hosts are found in URLs, whatever is around them", "[plan]") {
  CHECK(hosts_of_urls("https://me:secret@One.example/simple/ http://two.example,direct \"https://one.example\"") ==
        std::vector<HostRule>{{"one.example", false, 443}, {"two.example", false, 80}});
  // Other ports, schemes, addresses, names without a dot.
  CHECK(hosts_of_urls("https://a.example:8443/ ftp://b.example/ https://10.0.0.1/ http://localhost/ https:///x file://c.example").empty());
}
