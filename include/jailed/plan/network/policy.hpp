#pragma once
#include <jailed/plan/network/host.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A host and who wants it: "claude", "git", "packages", "--allow", "network.json".
struct AllowedHost {
  HostRule host;
  std::string origin;
  bool operator==(const AllowedHost&) const = default;
};

/// What one jail may talk to. A host that is denied is, at every port and whoever allows it.
struct NetworkPolicy {
  bool observe = false;  // everything is let through and written down
  std::vector<AllowedHost> allow;
  std::vector<HostRule> deny;
  bool registries = false;              // those of the image's own tools as well (docker/install/network)
  std::vector<std::string> addresses;   // of this machine: no name may lead there
  bool operator==(const NetworkPolicy&) const = default;
};

/// What a policy says of a host and a port, and by which rule. What the registries of the image are, only the image knows.
struct PolicyAnswer {
  bool allowed = false;
  std::string rule;
};
PolicyAnswer ask_policy(const NetworkPolicy& policy, std::string_view host, std::uint16_t port);

/// squid's configuration for it, as the sidecar of a jail reads it (docker/network/sidecar.c).
std::string squid_configuration(const NetworkPolicy& policy);

/// As a file of the session has it, so that it can be changed while the jail runs. Nothing for a text that is none.
std::string format_policy(const NetworkPolicy& policy);
std::optional<NetworkPolicy> parse_policy(std::string_view text);

}  // namespace jailed::plan
