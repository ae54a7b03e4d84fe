#pragma once
#include <cstddef>
#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// What in a project is not as it was, of what the host would run.
struct Changes {
  std::vector<plan::Finding> findings;  // sorted, a path once
  std::size_t more_to_move = 0;         // found beyond what is kept of them: another look finds these
  std::size_t more_to_tell = 0;
};

/// Walks the snapshot's project and compares. `part`: of the session, whose worktrees lead to the jail's repository: the files
/// that do are removed on the way. Directories that the jail closed are given back to their owner.
Changes find_changes(const plan::HostSnapshot& before, const std::string& part);

}  // namespace jailed::work
