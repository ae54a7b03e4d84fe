#pragma once
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/refs.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A branch of the jail that may be one here under its own name.
struct BranchStep {
  std::string name;    // refs/heads/...
  std::string id;      // where it shall be
  std::string former;  // where it is; empty: there is none yet. A step only if `id` goes on from it.
  bool operator==(const BranchStep&) const = default;
};

struct BranchPlan {
  std::vector<BranchStep> steps;
  std::size_t too_many = 0;  // that many were to be steps; then none is
  bool operator==(const BranchPlan&) const = default;
};

/// Which of the branches that came home to refs/jailed/ become branches. `known`: the refs at the launch; `here`: all refs
/// of the host now; `checked_out`: refs/heads/... of all its worktrees, which only a checkout may move.
/// A new one must collide with nothing, also where case is not told apart, and must be no word that git resolves to
/// something else of the user's (is_own_branch_name). One that was deleted here meanwhile is not made again.
BranchPlan plan_branches(const std::vector<Arrival>& arrivals, const GitRefs& known, const GitRefs& here,
                         const std::set<std::string>& checked_out);

/// Whether `name`, below refs/heads/, is taken by git for that branch and for nothing else: no pseudo ref as ORIG_HEAD, no
/// part of a ref's path as heads/x, no hexadecimal word that could be an abbreviated id.
bool is_own_branch_name(std::string_view name);

}  // namespace jailed::plan
