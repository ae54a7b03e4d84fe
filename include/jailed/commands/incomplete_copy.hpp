#pragma once
#include <jailed/commands/bring_home.hpp>
#include <jailed/commands/project_shares.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/sync_engine.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::commands {

/// Mutagen cannot carry files that git tracks: in the jail they would look deleted, and a commit of all changes there would
/// delete them.
class IncompleteCopy : public core::Error {
  using core::Error::Error;
};

/// After a project's first flush, before anybody is in the jail. What Mutagen could not carry is named; throws IncompleteCopy
/// when git tracks some of it. What `sync.json` leaves out is the user's word; but of tracked files among it the session notes
/// that the jail has never had them (unseen_obstacle). `leaves_out`: it says anything.
void check_copy(const plan::Engine& engine, const engine::SyncEngine& sync, const Cargo& cargo, const std::vector<ProjectShare>& shares,
                bool leaves_out);

/// The same for a project without a repository in its jail.
void name_left_out(const engine::SyncEngine& sync, const std::string& key);

/// Why commits that `git diff-tree -r -z --raw` shows must not move a branch of `project`: they delete what the jail has never
/// had. Empty where they do not. `part`: of the session.
std::string unseen_obstacle(const std::string& part, const std::string& project, std::string_view raw);

}  // namespace jailed::commands
