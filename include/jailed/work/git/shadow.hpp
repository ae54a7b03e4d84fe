#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/work/git/object_views.hpp>
#include <string>

namespace jailed::work {

plan::GitSources git_sources(const plan::GitFacts& facts, const std::string& session_view,
                             const std::string& workspace, ObjectViews& views);

/// Fills a session for a plan: the record of what is shadowed, the refs as they are, the shadow itself, the
/// files that stand in for others; and <project>/.git where a mount needs it. By file copies alone.
void make_git_shadow(const plan::GitPlan& plan, const plan::GitFacts& facts, const std::string& session,
                     bool other_owner);

/// Removes <project>/.git of the session's projects where it is jailed's own, empty, and no other session needs it.
void remove_made_entries(const std::string& sessions, const std::string& session_id);

}  // namespace jailed::work
