#pragma once
#include <sys/stat.h>

#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/launch/facts.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// What one project adds to a launch: its mount, the shadow of its repository, what the host would run of it.
struct ProjectShare {
  std::string path;
  std::string name;          // empty: the first
  bool other_owner = false;  // root's files, which appear as the jail's user's
  std::string workspace;     // the project as the jail's user reaches it
  plan::JailPlace place;     // and where it is in the jail
  plan::GitFacts facts;
  plan::GitPlan git;
  HostExecution execution;
  struct stat checked {};    // of the project, as it was allowed
};

/// Looks at the repositories of all projects, the first one's first; nothing is made.
std::vector<ProjectShare> look_at_projects(const LaunchFacts& facts);

/// Plans every share, at its place in the layout; nothing is made that `mounts` has not to make yet. `mounts`: root's, in which its
/// directories appear as the jail's user's and those of others are held in their places; null where the caller is not root.
void plan_shares(std::vector<ProjectShare>& shares, const LaunchFacts& facts, const plan::Layout& layout, ObjectViews& views,
                 host::IdmappedMounts* mounts);

/// The projects as mounts, each with what is in and beside it.
std::vector<plan::BindMount> project_binds(const std::vector<ProjectShare>& shares);

/// Fills the session: shadows and snapshots, each in its part.
void make_shares(std::vector<ProjectShare>& shares, const std::string& session);

}  // namespace jailed::work
