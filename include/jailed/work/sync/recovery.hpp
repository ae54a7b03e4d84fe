#pragma once
#include <jailed/plan/sync/volume.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <jailed/work/sync/program.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Brings the work in a left-over volume home: by a new keeper of the same name, so that Mutagen's session,
/// which knows what was deleted on which side, finds it again. Where the session is gone as well, a new one
/// merges both sides. True when all of it is on the host; else it was said why not.
bool recover(const plan::Engine& engine, const SyncEngine& sync, const MutagenProgram& program,
             const plan::Jail& jail, const Cargo& cargo, PendingSignals& signals);

/// bring_home for a jail that may have lost its container: then by `recover`.
bool bring_home_or_recover(const plan::Engine& engine, const SyncEngine& sync,
                           const MutagenProgram& program, const plan::Jail& jail, const Cargo& cargo,
                           PendingSignals& signals);

/// The jail that a volume was made for, as its session's record has it, else as the volume's labels; and its cargo. Where
/// its filter of system calls is, `recover` says.
plan::Jail jail_of(const plan::Volume& volume, const std::string& sessions);
Cargo cargo_of(const plan::Volume& volume, const std::string& sessions);

/// The volumes of one session of this user, or of all: those that agree with a session of this configuration, and with the
/// second all that claim to be a jail's (plan::Foreign). Throws core::Error when the engine does not answer.
std::vector<plan::Volume> find_volumes(const plan::Engine& engine, const std::string& sessions, const std::string& session_id);
std::vector<plan::Volume> claimed_volumes(const plan::Engine& engine, const std::string& sessions, const std::string& session_id);

}  // namespace jailed::work
