#pragma once
#include <string>
#include <vector>

namespace jailed::host {

/// The addresses of this machine's interfaces, IPv4 and IPv6, as text and without a scope.
std::vector<std::string> own_addresses();

}  // namespace jailed::host
