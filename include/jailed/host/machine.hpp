#pragma once
#include <cstdint>
#include <string>

namespace jailed::host {

/// Bytes of memory of this machine.
std::uint64_t memory_size();

/// The machine's time zone as a name ("Europe/Berlin"), from the link /etc/localtime; empty when it is no
/// name.
std::string time_zone();

}  // namespace jailed::host
