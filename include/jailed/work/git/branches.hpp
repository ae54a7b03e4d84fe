#pragma once
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/work/git/host_git.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <set>
#include <string>
#include <vector>

namespace jailed::work {

/// refs/heads/... of all work trees of the repository.
std::set<std::string> checked_out(const HostGit& git);

/// Makes and moves the branches that may have their own names here (plan::plan_branches), and says which. Nothing is forced:
/// what another git changes meanwhile stays as it is.
void take_branches(const HostGit& git, const std::vector<plan::Arrival>& arrivals, const plan::GitRefs& known);

/// Forgets those of refs/jailed/ that a branch or tag of the host leads to anyway.
void drop_redundant(const HostGit& git, std::vector<plan::Arrival>& arrivals);

/// Says of the others how to take them. `obstacle`: why what is checked out did not move; may be empty.
void say_where(const std::vector<plan::Arrival>& arrivals, const std::string& obstacle);

/// Prints what earlier jails brought to refs/jailed/ of the repository at `directory`, and how to take it.
void print_arrived(const std::string& directory, const Surroundings& around);

}  // namespace jailed::work
