#pragma once
#include <sys/stat.h>

#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/launch/places.hpp>
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
std::vector<ProjectShare> look_at_projects(const Places& places, plan::Identity identity, const core::Environment& environment);

/// Session and views that the shares of one launch have in common.
struct ShareContext {
  const core::Settings& settings;
  const core::Environment& environment;
  GuardPlaces places;  // of the session as a whole
  ObjectViews& views;
  /// Root's mounts, in which its directories appear as the jail's user's and those of others are held in their places; null where the
  /// caller is not root.
  host::IdmappedMounts* mounts;
  /// Mutagen brings the projects in: nothing can be mounted in a further one.
  bool synced = false;
  /// What would be mounted here is behind links in the jail (plan::remote_parts).
  bool linked = false;
};

/// Plans every share; nothing is made that `mounts` has not to make yet.
void plan_shares(std::vector<ProjectShare>& shares, const ShareContext& context);

/// The mounts of the further projects.
std::vector<plan::BindMount> further_binds(const std::vector<ProjectShare>& shares);

/// Fills the session: shadows and snapshots, each in its part.
void make_shares(std::vector<ProjectShare>& shares, const std::string& session);

}  // namespace jailed::work
