#pragma once
#include <functional>
#include <jailed/plan/sync/mutagen.hpp>
#include <optional>
#include <string>

namespace jailed::work {

/// Mutagen, asked by its client. Its daemon keeps the sessions; it starts by itself. `id`: a jail's, or the key of
/// one of its sessions (plan::sync_key).
class SyncEngine {
 public:
  explicit SyncEngine(plan::Mutagen mutagen) : mutagen_(std::move(mutagen)) {}

  /// Throws core::Error with what Mutagen said.
  void create(const plan::SyncSession& session) const;

  /// Connects again, at once. False when there is no such session, or when it cannot.
  bool resume(const std::string& id) const;

  /// Nothing when there is no such session or no daemon that would know.
  std::optional<plan::SyncState> state(const std::string& id) const;

  struct FlushEnd {
    bool done = false;
    bool stopped = false;   // `on_tick` wanted no more
    std::string said = {};  // why it is not done
  };

  /// One whole cycle that begins after this call: both sides are read anew and what differs is copied.
  /// `on_tick` is called a few times a second; false ends the waiting.
  FlushEnd flush(const std::string& id, const std::function<bool(const plan::SyncState&)>& on_tick) const;

  /// Stops trying to reach the other side until `resume`.
  void pause(const std::string& id) const;

  void terminate(const std::string& id) const;

  /// All sessions of a jail.
  void terminate_all(const std::string& id) const;

 private:
  plan::Mutagen mutagen_;
};

}  // namespace jailed::work
