#pragma once
#include <jailed/core/process_entry.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::plan {

/// The agents that run in a container, by name, in the order of the table; nothing where the container's
/// processes are not among `processes`: a virtual machine or another computer, gVisor, a /proc that hides
/// them, or one of whose command lines is closed. A container's processes are those of its cgroup, and what descends from the process that serves it,
/// which names its id (conmon of podman, containerd's shim; the former also without cgroups). For display:
/// whoever is in a jail can give a process any name.
std::optional<std::vector<std::string>> agents_in(const std::string& container,
                                                  const std::vector<core::ProcessEntry>& processes);

}  // namespace jailed::plan
