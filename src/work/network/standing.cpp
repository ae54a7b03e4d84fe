#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/network/network.hpp>
#include <jailed/work/network/standing.hpp>

namespace jailed::work {

void write_standing_rules(const std::string& config, const std::string& project, plan::RuleChange change, const std::vector<plan::HostRule>& rules) {
  const auto file = standing_rules_file(config);
  host::make_private_directories(config);
  const auto found = host::read_file(file);
  if (!found && host::lstat_of(file)) throw core::Error(fmt::format("{} cannot be read, so nothing is written to it.", core::printable(file)), "put it right, or remove it");
  auto text = found.value_or("");
  for (const auto& rule : rules) text = plan::with_standing_rule(text, project, change, rule, file);
  host::replace_file(file, text, 0600);
}

bool change_running(const std::string& session, plan::RuleChange change, const std::vector<plan::HostRule>& rules) {
  auto policy = session_policy(session);
  if (!policy) return false;
  for (const auto& rule : rules) {
    const auto same_host = [&](const plan::HostRule& other) { return other.name == rule.name && other.below == rule.below; };
    std::erase_if(policy->deny, same_host);
    if (change == plan::RuleChange::deny) {
      policy->deny.push_back(rule);
    } else if (std::none_of(policy->allow.begin(), policy->allow.end(), [&](const auto& allowed) { return allowed.host == rule; })) {
      policy->allow.push_back({rule, "network allow"});
    }
  }
  change_session_policy(session, *policy);
  return true;
}

}  // namespace jailed::work
