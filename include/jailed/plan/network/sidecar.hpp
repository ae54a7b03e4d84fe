#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/network/policy.hpp>
#include <string>
#include <vector>

namespace jailed::plan {

/// A jail without an interface and the container beside it, which has one and decides: one unix socket leads from the one to the
/// other. docker/network has what runs at both ends, docker/install/network what that finds in the image.

inline constexpr const char* kSidecarRole = "network";
inline constexpr const char* kImageRegistries = "/usr/share/jailed/network/registries";
inline constexpr const char* kImageErrorPages = "/usr/share/jailed/network/errors";

/// Directories in a session, each for one purpose: the socket (the sidecar writes, the jail reads), the policy (the sidecar reads),
/// the log (the sidecar writes).
struct NetworkPaths {
  explicit NetworkPaths(const std::string& session)
      : socket(session + "/network"), policy(session + "/network-policy"), log(session + "/network-log"), lease(session + "/network-lease") {}
  std::string socket, policy, log;
  std::string lease;  // the sidecar's own
};

/// Whether a sidecar stands beside the jail of these settings.
bool has_sidecar(const core::Settings& settings);

/// Makes of a jail one that has no interface: none at all, or the socket alone with what tells tools of it.
void close_network(Jail& jail, const core::Settings& settings, const std::string& session);

/// The container beside it. Its labels are those of a helper, so it goes with the session and is no jail to anybody.
Jail sidecar_of(const Jail& jail, const core::Settings& settings, const std::string& session);

/// Throws core::UsageError for what does not go together with --network as it is set.
void check_network(const core::Settings& settings, const Engine& engine, bool engine_in_a_virtual_machine);

/// The variables by which tools find the proxy.
std::vector<core::EnvVar> proxy_variables();

}  // namespace jailed::plan
