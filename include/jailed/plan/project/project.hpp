#pragma once
#include <sys/types.h>

#include <jailed/core/settings.hpp>
#include <set>
#include <string>

namespace jailed::plan {

/// What the host knows of a path that shall become a jail's workspace. Paths are absolute and free of
/// symlinks.
struct ProjectFacts {
  std::string given;    // as the user wrote it
  std::string path;     // canonical; empty when it does not exist
  std::string problem;  // the system's reason when `path` is empty
  bool further = false;  // not the first one of a jail
  bool is_directory = false;
  bool readable = false;
  std::string home;        // canonical, may be empty
  std::string config_dir;  // canonical as far as it exists
  uid_t owner = 0;
  uid_t caller = 0;
  std::string foreign_symlink;  // the first symbolic link on the way that is neither the caller's nor root's
};

/// Throws UsageError with the reason and the way out when the path must not become a workspace. What is in
/// `allow` is not refused; the whole machine, the home and jailed's configuration always are.
void check_project(const ProjectFacts& facts, const std::set<core::Waiver>& allow = {});

/// Whether `path` belongs to the operating system, or is a directory that only holds other people's.
bool is_system_directory(const std::string& path);

/// The secret store below `home` that `path` is, is in, or holds; empty when it is none.
std::string secret_store_at(const std::string& path, const std::string& home);

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
  std::string foreign_symlink = {};  // as in ProjectFacts
};

/// Throws Error when the directory cannot be trusted with logins. One that does not exist yet is fine.
void check_config_dir(const ConfigDirFacts& facts);

/// The same for a directory inside it (state of an agent, caches, sessions), which jailed hands to an engine
/// by name: it has to be a directory, the caller's own, and, when `secret`, closed to others.
void check_config_entry(const ConfigDirFacts& facts, bool secret);

}  // namespace jailed::plan
