#pragma once
#include <jailed/commands/bring_home.hpp>
#include <jailed/commands/mutagen_program.hpp>
#include <jailed/engine/sync_engine.hpp>
#include <jailed/plan/sync.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// Whether the container is there and runs. Where the engine does not answer it is taken to run.
bool keeper_runs(const plan::Engine& engine, const std::string& container);

/// Brings the work in a left-over volume home: by a new keeper of the same name, so that Mutagen's session,
/// which knows what was deleted on which side, finds it again. Where the session is gone as well, a new one
/// merges both sides. As bring_home, true when all of it is on the host.
bool recover(const plan::Engine& engine, const engine::SyncEngine& sync, const MutagenProgram& program,
             const plan::Jail& jail, const Cargo& cargo, PendingSignals& signals);

/// The jail that a volume was made for, and its cargo.
plan::Jail jail_of(const plan::Volume& volume);
Cargo cargo_of(const plan::Volume& volume, const std::string& sessions);

/// The volumes of one session of this user, or of all. Throws core::Error when the engine does not answer.
std::vector<plan::Volume> find_volumes(const plan::Engine& engine, const std::string& session_id);

}  // namespace jailed::commands
