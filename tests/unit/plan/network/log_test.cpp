#include <jailed/plan/network/log.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using Lines = std::vector<std::string>;

namespace {

constexpr const char* kLog =
    "1795805184.149 CONNECT api.example 443 TCP_TUNNEL 200 198.51.100.2 1846 2504 -\n"
    "1795805184.199 CONNECT evil.example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_HOST\n"
    "1795805184.200 CONNECT evil.example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_HOST\n"
    "1795805184.220 CONNECT priv.example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_ADDRESS\n"
    "1795805184.239 CONNECT 127.0.0.2 443 TCP_DENIED 403 - 74 265 ERR_JAILED_HOST\n"
    "1795805184.261 CONNECT api.example 22 TCP_DENIED 403 - 86 272 ERR_JAILED_PORT\n"
    "1795805184.285 GET plain.example 80 TCP_DENIED 403 - 125 273 ERR_JAILED_HOST\n"
    "1795805184.286 GET api.example 80 TCP_DENIED 403 - 125 273 ERR_JAILED_PORT\n"
    "1795805184.331 CONNECT api.example 443 OTHER_TLS_NAME 403 - 0 0 evil.example\n"
    "1795805184.331 CONNECT api.example 443 TCP_TUNNEL 200 198.51.100.2 88 39 -\n"
    "1795805184.340 CONNECT down.example 443 TCP_TUNNEL 503 - 88 339 ERR_CONNECT_FAIL\n";

}  // namespace

TEST_CASE("refusals are one line a host, with the way to allow it where there is one", "[plan]") {
  CHECK(refusal_lines(parse_network_log(kLog)) ==
        Lines{"refused: evil.example:443 ×2; to allow: jailed network allow evil.example",
              "refused: priv.example:443 ×1 (it leads to a private or local address)",
              "refused: 127.0.0.2:443 ×1 (an address or no name: only names can be allowed)",
              "refused: api.example:22 ×1 (only port 443, and 80 where it is allowed, leave a jail)",
              "refused: plain.example:80 ×1; to allow: jailed network allow plain.example:80",
              "refused: api.example:80 ×1; to allow plain HTTP: jailed network allow api.example:80",
              "refused: api.example:443 ×1 (inside, it asked for evil.example)"});
  CHECK(refusal_lines(parse_network_log(kLog), 2).back() == "refused: 5 more");
}

TEST_CASE("what a jail writes into the log stays text", "[plan]") {
  const auto events = parse_network_log(
      "1.0 CONNECT \x1b[2Jevil 443 TCP_DENIED 403 - 1 1 ERR_JAILED_HOST\n"
      "1.0 CONNECT a$(reboot).example 443 TCP_DENIED 403 - 1 1 ERR_JAILED_HOST\n"
      "not a line\n1.0 CONNECT x 443 TCP_DENIED 403 - one 1 E\n1.0 CONNECT x port TCP_DENIED 403 - 1 1 E\n\x1b 1 2 3 4 5 6 7 8 9\n");
  CHECK(events.size() == 2);
  const auto lines = refusal_lines(events);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find('\x1b') == std::string::npos);
  // No command is offered for what is no name.
  CHECK(lines[1].find("to allow") == std::string::npos);
  CHECK(network_log_table(events).find('\x1b') == std::string::npos);
  CHECK(network_log_json(events).find('\x1b') == std::string::npos);
}

TEST_CASE("the least policy is what was let through", "[plan]") {
  CHECK(suggested_rules(parse_network_log(kLog)) == Lines{"api.example", "down.example"});
}
