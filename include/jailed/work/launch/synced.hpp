#pragma once
#include <jailed/engine/run.hpp>
#include <jailed/work/launch/facts.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// A launch in which Mutagen (`facts.mutagen`) brings the project to the jail and the work home. `engine_error` of the answer
/// is set when the engine could not start the jail; nothing is left then.
engine::JailEnd run_synced(const LaunchFacts& facts);

/// The commands of such a launch, in their order, for --dry-run: a line for a shell each.
std::vector<std::string> imagined_synced(const LaunchFacts& facts);

/// Throws core::Error when none of a further project's files are in the jail: in an image of before there were
/// several, the place for them is root's.
void check_arrived(const SyncEngine& sync, const std::string& key, const std::string& workspace);

}  // namespace jailed::work
