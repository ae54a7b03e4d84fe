#pragma once
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/network/standing.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Writes rules into <config>/network.json, in one step; `project` empty: for all. Throws core::Error for a file that cannot be read.
void write_standing_rules(const std::string& config, const std::string& project, plan::RuleChange change, const std::vector<plan::HostRule>& rules);

/// Changes the policy of a jail that runs. False when it has none.
bool change_running(const std::string& session, plan::RuleChange change, const std::vector<plan::HostRule>& rules);

}  // namespace jailed::work
