#pragma once
#include <sys/stat.h>

#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// A project beside the first.
struct FurtherProject {
  std::string path;  // canonical
  std::string name;  // in the jail, at /projects/
  struct stat info {};
};

/// What a launch uses of the host's files, found and allowed.
struct Places {
  std::string project;  // canonical
  std::string config;   // canonical as far as it exists
  struct stat project_info {};
  std::vector<FurtherProject> further;
};

/// Looks and checks, makes nothing. `projects`: as they were given; none: the current directory. Throws core::Error for a project or a configuration that must not be
/// used, and for projects that cannot be in one jail.
Places look_at_places(const std::vector<std::string>& projects, const core::Settings& settings,
                      const core::Environment& environment);

/// What of this machine a jail has: the projects and the configuration.
std::vector<std::string> mounted_from(const Places& places);

/// Who a jail of this machine will be: the caller and the first project decide.
plan::Identity identity_here(const Places& places, const core::Environment& environment);

/// sessions/, cache/ and one directory for each state of an agent, all 0700.
void make_config_tree(const std::string& config, const core::Settings& settings, const std::string& project);

}  // namespace jailed::work
