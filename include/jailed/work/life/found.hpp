#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/program.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// The engine and this user's jails, for commands about jails that are there.
struct Found {
  core::Settings settings;
  plan::Engine engine;
  std::vector<plan::FoundJail> jails;  // with foreign ones
  std::string sessions;
};

/// Everything but the jails: the engine is not asked yet.
Found about(const core::Settings& settings, const core::Environment& environment);

/// One call: which jails there are. Sessions of detached ones that have ended are cleared. Throws core::Error
/// when the engine does not say.
void ask_engine(Found& found, const core::Environment& environment);

/// Both.
Found look(const core::Settings& settings, const core::Environment& environment);

/// Those that run; and the foreign ones, so that who means one hears why not.
std::vector<plan::FoundJail> running(const Found& found);

/// The one that `word` means, which may be a path however it is written. Throws core::UsageError when it is
/// none or several.
const plan::FoundJail& choose(const std::vector<plan::FoundJail>& jails, const std::string& word);

/// The jail that is meant as far as the sessions tell it; nothing where that is not clear.
std::optional<plan::FoundJail> choose_noted(const Found& found, const std::string& word);

/// Throws core::Error where it is not installed.
MutagenProgram mutagen_or_throw(const plan::Engine& engine, const core::Environment& environment);

/// Adds the volumes whose jail is gone.
void add_unsynced(Found& found);

/// What of a synced jail has to come home.
Cargo cargo_in(const Found& found, const plan::FoundJail& jail);

}  // namespace jailed::work
