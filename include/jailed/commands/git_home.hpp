#pragma once
#include <jailed/commands/git_shadow.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/plan/jail.hpp>
#include <jailed/plan/runtime.hpp>
#include <string>

namespace jailed::commands {

/// What is needed to bring a session's commits home.
struct ShadowedSession {
  std::string id;
  std::string path;
  plan::Jail jail;  // the jail that worked on it
  plan::GitSources sources;
};

/// Brings what the agent committed into the repository of the host: objects checked, refs into
/// refs/jailed/<id>/, the branch that is checked out forward if nothing stands against it. Says in one line
/// what happened. True when all is home and the session may go; false when it must be kept, after saying why.
/// Safe to do again after an end at any point.
bool bring_commits_home(const plan::Engine& engine, const ShadowedSession& session, const ShadowState& state,
                        const core::Environment& environment);

/// Leaves of a session only what is needed to bring commits home later.
void strip_session(const std::string& session);

}  // namespace jailed::commands
