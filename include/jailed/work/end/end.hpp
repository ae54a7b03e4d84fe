#pragma once
#include <functional>
#include <jailed/core/exit_status.hpp>
#include <string>

namespace jailed::work {

/// What of a jail is not on the host after its end. Who finds that says so, and what to type.
struct Kept {
  bool files = false;       // in the jail's volume
  bool commits = false;     // in the session
  bool planted = false;     // in the project still, where it was to be moved away
  bool quarantine = false;  // moved away: it waits for the user, and nothing is missing

  bool all_home() const { return !files && !commits && !planted; }
  bool nothing() const { return all_home() && !quarantine; }
};

/// The exit status of a launch whose command ended so: the command's own, but 125 instead of 0 when something stayed away.
core::ExitStatus status_after(core::ExitStatus command, const Kept& kept);

/// A jail that runs no more, and whose session the caller holds.
struct EndedJail {
  std::string sessions;  // <config>/sessions
  std::string id;
  bool files_home = true;               // else they wait in a volume, and the commits that belong to them wait with them
  std::function<bool()> bring_commits = {};  // true when all are home; empty: they stay in the session
  bool given_up = false;                // what is not home now is not wanted
};

/// The one end that every jail has, whoever brings it about (its own jailed, stop, the next launch, recover, import, drop):
///  1. what changed that the host would run is told and moved away, so that it lies there no longer than it must;
///  2. directories .git that jailed made for mounts are removed;
///  3. commits come home;
///  4. the session is stripped of what nobody needs any more.
/// A step that fails says so, has kept what it was about, and does not keep the others from being done; nothing is thrown.
/// When the answer is `nothing()`, the caller removes the session. Safe to call again, after an end at any point.
Kept end_jail(const EndedJail& jail);

}  // namespace jailed::work
