#pragma once
#include <jailed/host/files/fd.hpp>
#include <jailed/plan/project/beside.hpp>
#include <jailed/plan/session/record.hpp>
#include <jailed/work/launch/shares.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// plan::check_beside with the jails of this configuration that run, as far as their sessions tell; those left alone with --detach
/// count until `jailed ls` or `stop` has seen their end. `except`: a session that does not count, may be empty.
void check_beside_jails(const std::string& sessions, const plan::LaunchedBeside& launched, const std::string& except);

/// Whether what works in a running jail can change what is at this path.
bool is_in_running_jail(const std::string& sessions, const std::string& path);

/// What a share is to the others.
plan::LaunchedBeside beside_of(const ProjectShare& share);

/// The launch's turn: as long as this lives, no other jailed of this configuration notes and compares which projects are in which jail. So of two
/// that begin at once the second finds the first. Throws core::Error when the turn does not come.
class LaunchTurn {
 public:
  explicit LaunchTurn(const std::string& sessions);

 private:
  host::Fd held_;
};

/// Notes what a launch is about, and looks once more at the others, as those look at this one; waits for a jail within one of the projects that is
/// just starting. Throws as check_beside_jails.
void announce(const std::string& sessions, const std::string& session_id, plan::SessionRecord record, const std::vector<ProjectShare>& shares);

}  // namespace jailed::work
