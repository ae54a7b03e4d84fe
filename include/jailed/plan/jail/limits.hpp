#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <string>

namespace jailed::plan {

/// What the kernel's files say of the cgroups that a user's own containers get.
struct UserCgroup {
  bool unified = false;     // cgroup v2; on v1 nothing is ever handed to users
  std::string controllers;  // v2: what systemd delegates to the user, as in cgroup.controllers
};

/// Which limits a rootless engine can make hold. Podman 4.3 ignores them on cgroup v1 (--memory, --cpus and
/// --pids-limit alike, with a line of its own at every start), and its runtimes fail on a controller that is
/// not delegated.
LimitSupport limit_support(const UserCgroup& cgroup);

/// The one line on limits that cannot hold, with the fix; nothing when all that jailed would set can.
std::optional<std::string> limits_notice(const Engine& engine, const UserCgroup& cgroup,
                                         const core::Settings& settings);

}  // namespace jailed::plan
