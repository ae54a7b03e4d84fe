#pragma once
#include <string>

namespace jailed::plan {

/// jailed's profile of system calls. On the host's kernel clone3 is answered with ENOSYS, so that everybody falls back on clone,
/// whose flags a filter can see. gVisor knows EPERM as the only answer (20221219), after which no thread starts; and a
/// jail with a kernel of its own makes its user namespaces there, not on the host: it gets clone3.
std::string seccomp_profile_for(bool host_kernel);

/// The profile for the host's kernel in one line, for an image's label.
std::string seccomp_label();

}  // namespace jailed::plan
