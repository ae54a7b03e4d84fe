#pragma once
#include <jailed/plan/sync/mutagen.hpp>
#include <jailed/plan/sync/settings.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <optional>
#include <string>

namespace jailed::work {

/// What `<config>/sync.json` says. Throws core::Error where it cannot be read.
plan::SyncSettings sync_settings(const std::string& config);
std::string sync_settings_file(const std::string& config);

/// Mutagen's session of a project as it was made, also when it has to be made again: what was left out then is left out
/// now. Of a session directory whose record is lost, what is left out is looked up anew. Throws core::Error when that
/// cannot be.
plan::SyncSession sync_session(const Cargo& cargo, const CargoProject& project);

/// SyncSession::umask of this caller.
unsigned sync_umask();

/// The project is attached: noted in the record.
void note_sync(const std::string& session, const plan::SyncSession& sync);

/// What the jail left is in a volume, and somebody has tried in vain to bring it home: only a user's word tries again.
void note_held_up(const std::string& session);

/// True for such a session, whose volume is there still. It is told of when it is one of `project`, the launch's.
bool offer_held_up(const plan::Engine& engine, const std::string& session, const std::string& id, const std::string& project);

}  // namespace jailed::work
