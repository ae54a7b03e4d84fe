#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace jailed::core {

/// SipHash-2-4 (Aumasson and Bernstein): without the key nobody can make two texts of the same hash.
using SipKey = std::array<std::uint64_t, 2>;
std::uint64_t siphash(const SipKey& key, std::string_view text);

}  // namespace jailed::core
