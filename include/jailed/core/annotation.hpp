#pragma once
#include <string_view>

namespace jailed::core {

/// Whether an annotation of an image is known to be a description and no more. OCI runtimes and their hooks obey others: crun's
/// run.oci.seccomp_bpf_data replaces the filter of system calls, org.systemd.property.* sets properties of the container's unit.
bool only_describes(std::string_view annotation);

}  // namespace jailed::core
