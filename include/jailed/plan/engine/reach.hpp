#pragma once

namespace jailed::plan {

/// How far this machine reaches into an engine's: all that is asked of where an engine is. It is this machine, or another one
/// (plan/sync/remote.hpp).
struct Reach {
  bool mounts = true;     // a jail can have mounted what is at a path here; else it is carried there, and the user is the image's
  bool lease = true;      // a FIFO here ends its jails with jailed (host::Lease)
  bool processes = true;  // what runs in its jails is in /proc here
  bool facts = true;      // the files here say what its machine is: memory, cgroups, SELinux; else it is asked
  bool operator==(const Reach&) const = default;
};

inline constexpr Reach kHere{};
inline constexpr Reach kAnotherMachine{.mounts = false, .lease = false, .processes = false, .facts = false};

}  // namespace jailed::plan
