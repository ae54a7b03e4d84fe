#pragma once
#include <jailed/commands/git_home.hpp>
#include <jailed/commands/host_execution.hpp>
#include <jailed/commands/places.hpp>
#include <jailed/commands/project_shares.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/host/companion.hpp>
#include <jailed/host/idmapped_mount.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/jail.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// Everything on the host that one launch needs, made by the constructor and gone with the object: the
/// session directory with its files, root's idmapped mounts, the lease, the proxy for the engine's socket.
class PreparedJail {
 public:
  PreparedJail(const core::Options& options, const core::Settings& settings,
               const core::Environment& environment, const Places& places, bool synced = false);

  const plan::Jail& jail() const { return jail_; }
  host::Lease& lease() { return *lease_; }
  const std::vector<ProjectShare>& shares() const { return shares_; }
  /// The jail stays when this object goes, and so do the files that are mounted in it.
  void detach() { session_->detach(); }

  /// The session stays for the next jailed: work of the jail is neither home nor given up.
  void keep(bool kept = true) { session_->keep(kept); }
  const std::string& session() const { return session_->path(); }

  /// After the jail's end: what changed that the host would run is reported, and moved away where it is
  /// critical; then what the jail committed comes home. What cannot is kept with the session.
  void bring_commits_home(const plan::Engine& engine, const core::Environment& environment);

 private:
  std::string sessions_;
  std::optional<host::Session> session_;
  std::optional<host::IdmappedMounts> idmapped_;
  std::optional<host::Lease> lease_;
  std::optional<host::Companion> socket_proxy_;
  std::string session_view_;
  std::optional<ObjectViews> views_;
  std::vector<ProjectShare> shares_;
  plan::Jail jail_;
};

/// Another jail on an abandoned session, to bring its commits home later.
ShadowedSession shadowed_session(const core::Settings& settings, const core::Environment& environment,
                                 const Places& places, const std::string& id, host::IdmappedMounts* idmapped);

/// The same jail for --dry-run: nothing is made, the paths are those that a launch would make.
struct ImaginedJail {
  plan::Jail jail;
  std::vector<ProjectShare> shares;
};
ImaginedJail imagined_jail(const core::Options& options, const core::Settings& settings,
                           const core::Environment& environment, const Places& places, bool synced = false);

}  // namespace jailed::commands
