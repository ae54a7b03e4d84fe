#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A line of a sidecar's log. What stands in it a jail can choose, so nothing of it is more than text.
struct NetworkEvent {
  enum class Kind {
    passed,
    failed,          // let through, and nobody answered
    refused_host,    // it is on no list
    refused_port,
    refused_address,  // it led to a private or local one
    refused_name,     // no host's name, or none in TLS
    refused_tls_name  // another one in TLS
  };
  std::string time;  // seconds since 1970, with milliseconds
  std::string host;
  std::string port;
  Kind kind = Kind::passed;
  std::uint64_t up = 0, down = 0;  // bytes
  std::string detail;              // the other name
  bool operator==(const NetworkEvent&) const = default;
};

/// Lines that are none are left out.
std::vector<NetworkEvent> parse_network_log(std::string_view text);

/// "refused", "passed", "failed", and why, as tables and JSON have it.
std::string_view decision_of(const NetworkEvent& event);

/// One line a host that was refused, in the order in which they came, at most `most` and one about the others.
std::vector<std::string> refusal_lines(const std::vector<NetworkEvent>& events, std::size_t most = 12);

/// A table, and a JSON object a line.
std::string network_log_table(const std::vector<NetworkEvent>& events);
std::string network_log_json(const std::vector<NetworkEvent>& events);

/// The hosts that were let through, as rules of the least policy that lets them through again, in the order of their names.
std::vector<std::string> suggested_rules(const std::vector<NetworkEvent>& events);

}  // namespace jailed::plan
