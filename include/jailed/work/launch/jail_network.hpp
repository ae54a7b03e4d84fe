#pragma once
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/network/network.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// The network of a launch whose session is made: what stands beside the jail starts now, and nobody waits for it.
JailNetwork start_network(const LaunchFacts& facts, const PreparedJail& prepared);

/// What --dry-run shows of it: the engine's call for the sidecar, or nothing.
std::vector<std::string> network_lines(const LaunchFacts& facts, const JailDraft& imagined);

}  // namespace jailed::work
