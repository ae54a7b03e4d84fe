#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/git_shadow.hpp>
#include <jailed/plan/host_execution.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// What of a project the host would run or obey, and how the jail is kept from it.
struct HostExecution {
  plan::HostSnapshot snapshot;
  plan::GuardPlan guards;
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

/// After the end of a session's jail: compares each project with what it was, moves what is new and critical into
/// the quarantine of its part, reports. Does nothing where that was done already. True when a quarantine holds
/// something.
bool settle_host_execution(const std::string& sessions, const std::string& id);

/// The same for one part of the session (session_parts), whose project is taken out of a jail that goes on.
void settle_part(const std::string& part, const std::string& id, bool is_one_of_several = true);

}  // namespace jailed::commands
