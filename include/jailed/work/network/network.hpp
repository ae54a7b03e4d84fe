#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/engine/sidecar.hpp>
#include <jailed/plan/network/log.hpp>
#include <jailed/plan/network/policy.hpp>
#include <jailed/plan/network/sidecar.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// What a launch's policy is made of, beside its settings.
struct PolicySources {
  const std::vector<std::string>& command;
  const core::Environment& environment;
  std::string config;                     // the configuration directory
  std::string project;                    // for which network.json may have rules of its own
  std::vector<std::string> repositories;  // where the configuration files of the projects' repositories are
};

/// The policy of a launch. Looks at files of the host and makes nothing. Throws core::Error for a network.json that cannot be read.
plan::NetworkPolicy policy_for(const core::Settings& settings, const PolicySources& sources);

/// What the rules of <config>/network.json are for a project.
std::string standing_rules_file(const std::string& config);

/// The network of one jail, from the moment when its session's files are there: its policy, its socket, and what stands beside it. Does
/// nothing where the jail has none.
class JailNetwork {
 public:
  JailNetwork(const core::Settings& settings, const PolicySources& sources, const plan::Engine& engine, const plan::Jail& jail,
              const std::string& session);

  /// Ends what stands beside the jail, and says what it refused. Before the session's files go.
  void end();

 private:
  std::string session_;
  bool quiet_ = false;
  std::optional<engine::Sidecar> sidecar_;
};

/// What the log of a session says so far. It was written for a jail, so it is hostile.
std::vector<plan::NetworkEvent> network_events(const std::string& session);

/// The policy of a session, and a new one in its place: the sidecar takes it over, and open connections stay. Nothing for a jail that has none.
std::optional<plan::NetworkPolicy> session_policy(const std::string& session);
void change_session_policy(const std::string& session, const plan::NetworkPolicy& policy);

}  // namespace jailed::work
