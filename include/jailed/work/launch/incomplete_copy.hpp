#pragma once
#include <jailed/core/error.hpp>
#include <jailed/work/launch/shares.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Mutagen cannot carry files that git tracks: in the jail they would look deleted, and a commit of all changes there would
/// delete them.
class IncompleteCopy : public core::Error {
  using core::Error::Error;
};

/// After a project's first flush, before anybody is in the jail. What Mutagen could not carry is named; throws IncompleteCopy
/// when git tracks some of it. What `sync.json` leaves out is the user's word; but of tracked files among it the session notes
/// that the jail has never had them (unseen_obstacle). `leaves_out`: it says anything.
void check_copy(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo, const std::vector<ProjectShare>& shares,
                bool leaves_out);

/// The same for a project without a repository in its jail.
void name_left_out(const SyncEngine& sync, const std::string& key, const HostExecution& execution);

}  // namespace jailed::work
