#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace jailed::host {

/// What the kernel says in its own files. `root` stands before every path; tests have one of their own.

/// Whether SELinux is there and enforcing (not permissive): /sys/fs/selinux/enforce.
bool selinux_enforces(const std::string& root = {});

/// The cgroup in which a user's containers are made.
struct UserCgroupFiles {
  bool unified = false;     // /sys/fs/cgroup is cgroup v2 and nothing else
  std::string controllers;  // what user@UID.service may hand out, empty without one
};

/// Nothing where there are no cgroups at all (macOS, whose engines are in a virtual machine).
std::optional<UserCgroupFiles> user_cgroup(uid_t uid, const std::string& root = {});

}  // namespace jailed::host
