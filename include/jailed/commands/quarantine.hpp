#pragma once
#include <jailed/plan/host_execution.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// Moves what is to be moved into `<part>/quarantine` of a session's part, and writes down in `quarantine.txt` beside it,
/// before each move, how to take it back. What was moved is closed: no tool obeys it there. Findings that
/// went along with another one are dropped.
void move_to_quarantine(std::vector<plan::Finding>& findings, const plan::HostSnapshot& before,
                        const std::string& part);

/// Whether the quarantine of any part of the session holds something.
bool holds_quarantine(const std::string& session);

/// Where `project`'s files in quarantine are listed; empty: there are none.
std::string quarantine_list_of(const std::string& session, const std::string& project);

/// Removes a session but for what is in its quarantines.
void release_session(const std::string& session);

}  // namespace jailed::commands
