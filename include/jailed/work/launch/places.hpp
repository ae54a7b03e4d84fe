#pragma once
#include <sys/stat.h>

#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/engine/socket.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// A project beside the first.
struct FurtherProject {
  std::string path;  // canonical
  std::string name;  // in the jail, at /projects/
  struct stat info {};
};

/// What a launch uses of the host, found and allowed.
struct Places {
  std::string project;  // canonical
  std::string config;   // canonical as far as it exists
  struct stat project_info {};
  std::optional<engine::EngineSocket> engine_socket;  // only with --testcontainers
  std::vector<FurtherProject> further;
  std::optional<plan::Identity> identity = std::nullopt;  // of a jail that there was; else the caller and the project decide
  plan::Reach reach = plan::kHere;                            // into the engine's machine
  std::optional<plan::RemoteMachine> machine = std::nullopt;  // that one, when it is another and was asked
};

/// Looks and checks, makes nothing. `projects`: as they were given; none: the current directory. Throws core::Error for a project or a configuration that must not be
/// used, and for projects that cannot be in one jail.
Places look_at_places(const std::vector<std::string>& projects, const core::Settings& settings,
                      const core::Environment& environment);

/// What of this machine a jail has: the projects and the configuration.
std::vector<std::string> mounted_from(const Places& places);

/// Who the jail will be: on another machine the image's own user.
plan::Identity identity_for(const Places& places, const core::Environment& environment);

/// For whom files of this machine have to be made readable: the jail's user; the caller, who copies them, when the
/// engine is on another machine.
plan::Identity reader_for(const Places& places, const core::Environment& environment);

/// sessions/, cache/ and one directory for each state of an agent, all 0700.
void make_config_tree(const std::string& config, const core::Settings& settings, const std::string& project);

}  // namespace jailed::work
