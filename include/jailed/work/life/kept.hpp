#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/work/session/session.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Removes what the jail of an abandoned session made through --testcontainers=proxy, if its proxy did not. Throws core::Error
/// when that is not all gone then.
void remove_left_siblings(const plan::Engine& engine, const std::string& session, const std::string& id);

/// Whether an abandoned session is known to hold commits that have not come home, or files in quarantine, or what could not
/// be moved there: that is tried again. Says how to get them when they are `project`'s.
bool offer_kept_session(const std::string& sessions, const std::string& id, const std::string& project);

/// Ends an abandoned session (end_jail), locked by the caller, whose containers are gone. Commits are not brought home but
/// offered when they are `project`'s (empty: whoever's).
void clear_session(const AbandonedSession& session, const std::string& sessions, const std::string& id,
                   const std::string& project);

/// Ends a session (end_jail), locked by the caller, and brings its commits home. False when something stayed away.
bool import_session(const plan::Engine& engine, const AbandonedSession& session, const std::string& id,
                    const core::Settings& settings, const core::Environment& environment);

/// Whether a kept session's jail left something in its projects that could not be moved away.
bool is_unsettled_session(const std::string& session);

/// Sessions that nobody owns and whose end is not complete.
std::vector<std::string> kept_sessions(const std::string& sessions);

}  // namespace jailed::work
