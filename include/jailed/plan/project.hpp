#pragma once
#include <sys/types.h>

#include <string>

namespace jailed::plan {

/// What the host knows of a path that shall become a jail's workspace. Paths are absolute and free of
/// symlinks.
struct ProjectFacts {
  std::string given;    // as the user wrote it
  std::string path;     // canonical; empty when it does not exist
  std::string problem;  // the system's reason when `path` is empty
  bool is_directory = false;
  bool readable = false;
  std::string home;        // canonical, may be empty
  std::string config_dir;  // canonical as far as it exists
};

/// Throws UsageError with the reason and the way out when the path must not become a workspace.
void check_project(const ProjectFacts& facts);

/// Whether `path` is `ancestor` or lies below it; both absolute, without a trailing slash.
bool is_within(const std::string& path, const std::string& ancestor);

/// What was found where the configuration directory is to be.
struct ConfigDirFacts {
  std::string path;
  bool exists = false;
  bool is_directory = false;
  bool is_symlink = false;
  uid_t owner = 0;
  mode_t mode = 0;
  uid_t caller = 0;
};

/// Throws Error when the directory cannot be trusted with logins. One that does not exist yet is fine.
void check_config_dir(const ConfigDirFacts& facts);

}  // namespace jailed::plan
