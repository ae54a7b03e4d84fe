#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <string>
#include <vector>

namespace jailed::plan {

/// Where SELinux enforces, a container may use only files that carry a container's label; what a jail is
/// given has to be relabelled. Podman's --mount does that with `relabel=shared` (podman-run(1)). Docker's
/// --mount cannot ("does not support the z or Z options", Docker's page on bind mounts), only `--volume
/// SRC:DST:z`, in which no colon can be quoted. Shared, not private: the agents' state and the caches are in
/// several jails.
///
/// An engine's socket cannot be relabelled, or its own service would lose it: a jail that has it runs with
/// `--security-opt label=disable`, and nothing of it is relabelled.

/// Appends a --mount for each of these, in their order; --volume where only that can relabel.
void add_binds(std::vector<std::string>& args, const Engine& engine, const std::vector<BindMount>& binds);

/// Throws UsageError for a place that must keep its label: /, the home, the system's directories, stores of
/// secrets (sshd, for one, would read ~/.ssh no more), and, for Docker, one with a colon. Nothing where
/// SELinux does not enforce. Both are absolute; `home` may be empty.
void check_label(const Engine& engine, const std::string& path, const std::string& home);

}  // namespace jailed::plan
