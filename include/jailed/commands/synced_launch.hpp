#pragma once
#include <jailed/commands/mutagen_program.hpp>
#include <jailed/commands/places.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/sync_engine.hpp>
#include <jailed/plan/sync_settings.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// A launch in which Mutagen brings the project to the jail and the work home. `engine_error` of the answer
/// is set when the engine could not start the jail; nothing is left then.
engine::JailEnd run_synced(const core::Options& options, const core::Settings& settings,
                           const core::Environment& environment, const Places& places,
                           const plan::Engine& engine, const MutagenProgram& program);

/// The commands of such a launch, in their order, for --dry-run: a line for a shell each.
std::vector<std::string> imagined_synced(const core::Options& options, const core::Settings& settings,
                                         const core::Environment& environment, const Places& places,
                                         const plan::Engine& engine, const MutagenProgram& program);

/// Throws core::Error when none of a further project's files are in the jail: in an image of before there were
/// several, the place for them is root's.
void check_arrived(const engine::SyncEngine& sync, const std::string& key, const std::string& workspace);

/// What `<config>/sync.json` says. Throws core::Error where it cannot be read.
plan::SyncSettings sync_settings(const std::string& config);

}  // namespace jailed::commands
