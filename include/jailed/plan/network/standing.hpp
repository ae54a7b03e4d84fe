#pragma once
#include <jailed/plan/network/policy.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What <config>/network.json says: rules for every project, and more for single ones.
///   {"allow": ["example.org"], "deny": [], "projects": {"/home/me/app": {"allow": ["*.example.com"], "deny": []}}}
struct StandingRules {
  std::vector<HostRule> allow, deny;
  bool operator==(const StandingRules&) const = default;
};

/// Those for a project. An empty text has none. Throws core::Error, with `file` and what is wrong, for what cannot be read: a rule that is
/// overlooked could be one that denies.
StandingRules standing_rules(std::string_view text, const std::string& project, const std::string& file);

enum class RuleChange { allow, deny };

/// The text with one more rule, for this project, or for all of them when it is empty; the opposite one goes.
std::string with_standing_rule(std::string_view text, const std::string& project, RuleChange change, const HostRule& rule, const std::string& file);

}  // namespace jailed::plan
