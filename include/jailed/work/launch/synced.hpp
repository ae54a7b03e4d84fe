#pragma once
#include <jailed/engine/run.hpp>
#include <jailed/work/launch/draft.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <jailed/work/sync/program.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// A launch in which Mutagen brings the project to the jail and the work home. `engine_error` of the answer
/// is set when the engine could not start the jail; nothing is left then.
engine::JailEnd run_synced(const Launch& launch, const plan::Engine& engine, const MutagenProgram& program);

/// The commands of such a launch, in their order, for --dry-run: a line for a shell each.
std::vector<std::string> imagined_synced(const Launch& launch, const plan::Engine& engine, const MutagenProgram& program);

/// Throws core::Error when none of a further project's files are in the jail: in an image of before there were
/// several, the place for them is root's.
void check_arrived(const SyncEngine& sync, const std::string& key, const std::string& workspace);

}  // namespace jailed::work
