#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <string>

namespace jailed::work {

/// The caller's machine, against which it is judged where a repository leads.
struct Surroundings {
  const core::Environment& environment;
  std::string config_dir;
};

/// The directories of objects that a repository reads, its own first. What a project's own file names outside of it is borrowed
/// only from a repository of whose commits the project names one, as one that was cloned from it does: that git is asked.
/// Sets facts.problem when one must not be used, and facts.borrowed.
std::vector<plan::ObjectStore> object_stores(plan::GitFacts& facts, const std::string& git_dir, const std::string& common_dir,
                                             const Surroundings& around);

/// Checks the objects of a repository outside the project that its .git file belongs to. Sets facts.problem.
void check_common_store(plan::GitFacts& facts, const Surroundings& around);

}  // namespace jailed::work
