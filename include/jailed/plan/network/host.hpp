#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace jailed::plan {

inline constexpr std::uint16_t kTlsPort = 443;
inline constexpr std::uint16_t kHttpPort = 80;

/// A host that a jail may or may not talk to: a name in lower-case A-labels without a trailing dot, compared to the letter. At 443 what
/// is meant is TLS for this very name, at 80 plain HTTP; there are no other ports.
struct HostRule {
  std::string name;
  bool below = false;  // "*.name": every name below it, and not the name itself
  std::uint16_t port = kTlsPort;
  bool operator==(const HostRule&) const = default;
  bool operator<(const HostRule& other) const { return std::tie(name, below, port) < std::tie(other.name, other.below, other.port); }
};

/// Whether it is such a name, of two labels at least, and no address.
bool is_host_name(std::string_view text);

/// HOST[:PORT] or *.HOST[:PORT] as a user writes it. Throws core::UsageError, which begins with `set_by`.
HostRule parse_host_rule(std::string_view text, std::string_view set_by);

/// As parse_host_rule reads it; 443 is not written.
std::string host_rule_text(const HostRule& rule);

bool covers(const HostRule& rule, std::string_view host, std::uint16_t port);

/// The hosts of https:// and http:// URLs in a text, without repetitions; what is no such name is left out.
std::vector<HostRule> hosts_of_urls(std::string_view text);

}  // namespace jailed::plan
