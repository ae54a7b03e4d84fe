#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/runtime.hpp>
#include <string>

namespace jailed::commands {

/// Whether an abandoned session is known to hold commits that have not come home, or files in quarantine. Says
/// how to get them when they are `project`'s.
bool offer_kept_session(const std::string& sessions, const std::string& id, const std::string& project);

/// Removes an abandoned session, locked by the caller, whose containers are gone, after the report on what changed
/// that the host would run; one with commits that have not come home, or files in quarantine, is kept instead, and
/// offered when they are `project`'s (empty: whoever's).
void clear_session(const host::AbandonedSession& session, const std::string& sessions, const std::string& id,
                   const std::string& project);

/// Reports on a session, locked by the caller, and brings its commits home; then removes it, or keeps it where they
/// cannot come. False in the latter case.
bool import_session(const plan::Engine& engine, const host::AbandonedSession& session, const std::string& id,
                    const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::commands
