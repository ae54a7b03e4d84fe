#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/work/git/object_views.hpp>
#include <string>

namespace jailed::work {

/// What is needed to bring a session's commits home.
struct ShadowedSession {
  std::string id;
  std::string path;
  std::string view;  // the session as the jail's user reaches it
  plan::Jail jail;   // the jail that worked on it
  std::string refs = id;  // where commits come home: refs/jailed/<refs>/
};

/// Brings what the agent committed, in the projects and their submodules, into the repositories of the host:
/// objects checked, refs into refs/jailed/<id>/, what is checked out forward if nothing stands against it.
/// Says in a line what happened. True when all is home and the session may go; false when it must be kept,
/// after saying why. Safe to do again after an end at any point.
bool bring_commits_home(const plan::Engine& engine, const ShadowedSession& session, ObjectViews& views,
                        const core::Environment& environment);

}  // namespace jailed::work
