#pragma once
#include <jailed/plan/git/shadow.hpp>
#include <string>

namespace jailed::work {

struct Surroundings;

/// Looks at the repository of a project; nothing is made. No process is started, but for a clone that borrows objects of another
/// repository (object_stores).
plan::GitFacts look_at_git(const std::string& project, const Surroundings& around);

}  // namespace jailed::work
