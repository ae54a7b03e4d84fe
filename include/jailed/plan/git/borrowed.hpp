#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace jailed::plan {

/// What stands at a directory of objects that a repository names and that lies outside the project. Paths are canonical.
struct StoreFacts {
  std::string path;
  uid_t owner = 0;
  uid_t named_by = 0;  // the owner of what names it
  uid_t caller = 0;
  bool in_repository = false;  // beside it are HEAD, refs and config: files and a directory, no links
  /// Its entries that are not what a directory of objects has, see is_of_objects.
  std::vector<std::string> strange;
  std::string home;        // may be empty
  std::string config_dir;  // jailed's
};

/// Whether git makes such an entry in a directory of objects: two hexadecimal digits, pack, info, locks and what is on its way in.
bool is_of_objects(const std::string& name, bool is_directory);

/// Why a directory must not be mounted into a jail though a repository says that its objects are there; empty: it may.
std::string why_no_store(const StoreFacts& facts);

/// Whether `git_dir`, which names `common_dir` in its file commondir, is one of its linked worktrees: only those have one elsewhere.
bool is_worktree_of(const std::string& git_dir, const std::string& common_dir);

/// Whether a path relative to a project is a repository of its own or lies in one: no submodule is there, and a mount of it would
/// be one of the repository.
bool is_in_repository(const std::string& path);

}  // namespace jailed::plan
