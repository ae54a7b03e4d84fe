#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/guard/mounts.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <set>
#include <string>
#include <vector>

namespace jailed::work {

/// What of a project the host would run or obey, and how the jail is kept from it.
struct HostExecution {
  plan::HostSnapshot snapshot;
  plan::GuardPlan guards;
  std::vector<std::string> others;  // pipes, sockets, devices: the first of them
  std::size_t more_others = 0;
};

/// One session of all, and where the jail's user finds things.
struct GuardPlaces {
  std::string sessions;
  std::string session_id;
  std::string session_view;
  std::string workspace;
  std::string target = "/workspace";  // in the jail
};

/// Looks at the project before a launch; no process is started, nothing is made.
HostExecution look_at_host_execution(const plan::GitFacts& git, const core::Settings& settings,
                                     const core::Environment& environment, const GuardPlaces& places,
                                     const std::vector<plan::BindMount>& git_binds);

/// Writes the snapshot, and the copies that are mounted, into the session.
void make_host_snapshot(HostExecution& found, const std::string& session);

/// After the end of a jail, for one part of its session (session_parts): compares the project with what it was, reports,
/// and moves what is new and critical into the part's quarantine. Does nothing where that was done already. False when
/// something could not be looked at or moved: that was said, the snapshot stays, and to call this again tries it again.
/// `more_to_come`: files of the jail are still to come home, and the snapshot stays for them.
bool settle_part(const std::string& part, const std::string& id, bool is_one_of_several = true, bool more_to_come = false);

/// Whether a part has a snapshot that its project is still to be compared with.
bool is_unsettled(const std::string& part);

/// The project of a part's snapshot; empty when there is none.
std::string snapshot_project(const std::string& part);

/// What could not be moved away, by its path: of the part's project, if it is `project` (empty: whichever).
std::set<std::string> planted_in(const std::string& part, const std::string& project = {});

/// The part has nothing more to look at: somebody else sees to it, or it is not wanted.
void forget_planted_in(const std::string& part);

}  // namespace jailed::work
