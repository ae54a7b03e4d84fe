#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace jailed::host {

/// Bytes of memory of this machine.
std::uint64_t memory_size();

/// How far this process may raise its own limits (RLIMIT_NOFILE, RLIMIT_NPROC); 4194304 when there is no
/// limit.
std::uint64_t most_open_files();
std::uint64_t most_processes();

/// Whether no engine can be on this system itself (macOS).
bool engines_are_in_a_virtual_machine();

/// The machine's time zone as a name ("Europe/Berlin"), from the link /etc/localtime; empty when it is no
/// name.
std::string time_zone();

/// The caller's file mode creation mask; for a process of one thread.
mode_t file_mask();

/// Tells this machine from others, in 16 hexadecimal digits: a hash of /etc/machine-id, which machine-id(5) wants kept from
/// others (macOS: of gethostuuid(2)); else of the host's name.
std::string machine_name();

}  // namespace jailed::host
