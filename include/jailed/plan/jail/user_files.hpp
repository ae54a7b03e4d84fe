#pragma once
#include <sys/types.h>

#include <jailed/core/environment.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jailed::plan {

/// Who the jail runs as. Never 0.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Identity&) const = default;
};

/// What decides the identity.
struct CallerFacts {
  uid_t uid = 0;
  gid_t gid = 0;
  uid_t project_uid = 0;
  gid_t project_gid = 0;
  std::string sudo_uid;  // as in the environment, may be empty
  std::string sudo_gid;
};

/// The caller; for root the user behind sudo, else the project's owner, else 1000.
Identity jail_identity(const CallerFacts& caller);

/// /etc/passwd and /etc/group of the jail: root, nobody and the one user, so that any host uid has a name,
/// a home and a shell. No password works: the second field is x and there is no shadow entry.
std::string passwd_file(std::string_view user, Identity identity);
/// `more`: groups of the host that the user is in as well; without a name here, tools complain.
std::string group_file(std::string_view user, Identity identity, const std::vector<gid_t>& more = {});

/// What the caller's own git configuration says that a jail can do without any program or file of the host's.
struct GitCaller {
  std::string name;
  std::string email;
  std::vector<std::pair<std::string, std::string>> settings = {};  // "pull.rebase", "true"
  std::string ignores;  // core.excludesFile, as it was written: a file of the host's
  bool signs = false;   // commit.gpgsign: the key is not in the jail
  bool operator==(const GitCaller&) const = default;
};

/// The names that `git_caller` understands, as `git config --get-regexp` takes them.
std::string git_caller_pattern();

/// Where a jail has what the caller's git ignores everywhere.
constexpr const char* kGitIgnores = "/etc/jailed/gitignore";

/// The file of the host's with what the caller's git ignores everywhere: git's own default when none is named. Empty: none.
std::string git_ignore_file(const GitCaller& caller, const core::Environment& host);

/// `answer` of `git config --null --get-regexp`: "key\nvalue\0" each, the last one wins. What is not on the list is
/// left out: nothing that names a program or a file.
GitCaller git_caller(std::string_view answer);

/// Included by the image's /etc/gitconfig: the lowest level, so that what a repository itself says still wins.
/// Empty when nothing is known.
std::string git_config_file(const GitCaller& caller);

}  // namespace jailed::plan
