#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
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

struct GitIdentity {
  std::string name;
  std::string email;
};

/// Included by the image's /etc/gitconfig: the lowest level, so that a repository's own identity still wins.
/// Empty when nothing is known.
std::string git_config_file(const GitIdentity& identity);

}  // namespace jailed::plan
