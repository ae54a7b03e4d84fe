#pragma once
#include <jailed/plan/host_execution.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// Moves what is to be moved into `<session>/quarantine`, and writes down in `quarantine.txt` beside it,
/// before each move, how to take it back. What was moved is closed: no tool obeys it there. Findings that
/// went along with another one are dropped.
void move_to_quarantine(std::vector<plan::Finding>& findings, const plan::HostSnapshot& before,
                        const std::string& session);

bool holds_quarantine(const std::string& session);

/// The project that a quarantine is of; empty: there is none.
std::string quarantine_project(const std::string& session);

/// Removes a session but for what is in its quarantine.
void release_session(const std::string& session);

}  // namespace jailed::commands
