#pragma once
#include <jailed/core/agent.hpp>
#include <string>

namespace jailed::work {

/// Copies the agents' logins that a profile's directory lacks. One that lives in one place only stays there, and is told
/// with the way to log in.
void copy_logins(const std::string& shared_agents, const std::string& agents);

/// Tells, before a jail on another machine starts, that logins which live in one place only are about to be in two.
void tell_of_logins_elsewhere(const std::string& agents);

/// Whether the agent's login is in this directory of agents' state.
bool has_login(const core::Agent& agent, const std::string& agents);

}  // namespace jailed::work
