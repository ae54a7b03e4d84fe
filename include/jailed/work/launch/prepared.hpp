#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/host/process/companion.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/git/homecoming.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/launch/draft.hpp>
#include <jailed/work/session/session.hpp>
#include <optional>
#include <string>

namespace jailed::work {

/// Everything on the host that one launch needs, made by the constructor and gone with the object: root's idmapped mounts,
/// the lease, the proxy for the engine's socket. The session directory with its files stays, for the next jailed to look
/// at, unless nobody entered the jail or its end left nothing: whatever is thrown meanwhile, no work goes with it.
class PreparedJail {
 public:
  explicit PreparedJail(const LaunchFacts& facts);

  const plan::Jail& jail() const { return draft_.jail; }
  host::Lease& lease() { return *lease_; }
  const std::vector<ProjectShare>& shares() const { return draft_.shares; }
  ~PreparedJail();
  PreparedJail(const PreparedJail&) = delete;
  PreparedJail& operator=(const PreparedJail&) = delete;

  /// Says in the session what this launch is about; from then on other launches see it. Throws as work::announce.
  void announce(const plan::SessionRecord& record) const { work::announce(sessions_, session_->id(), record, draft_.shares); }
  /// The jail stays when this object goes, and so do the files that are mounted in it.
  void detach();
  /// From now on somebody may have worked in it. Before, everything goes with this object.
  void enter() { state_ = State::entered; }
  const std::string& session() const { return session_->path(); }

  /// After the jail's end: end_jail. `files_home`: false when they wait in a volume.
  Kept end(const plan::Engine& engine, const core::Environment& environment, bool files_home = true);

 private:
  void prepare(const LaunchFacts& facts);
  bool end_socket_proxy(const plan::Engine& engine);
  void not_entered() noexcept;
  void clear_project() noexcept;

  enum class State { made, entered, over } state_ = State::made;
  std::string sessions_;
  std::optional<Session> session_;
  JailDraft draft_;
  std::optional<host::Lease> lease_;
  std::optional<host::Companion> socket_proxy_;
};

/// Another jail on an abandoned session, to bring its commits home later. `idmapped`: root's mounts, made; null where there are none.
ShadowedSession shadowed_session(const LaunchFacts& facts, const std::string& id, host::IdmappedMounts* idmapped);

/// The same jail for --dry-run: nothing is made, the paths are those that a launch would make.
JailDraft imagined_jail(const LaunchFacts& facts);

}  // namespace jailed::work
