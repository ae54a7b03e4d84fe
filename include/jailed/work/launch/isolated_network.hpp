#pragma once
#include <jailed/engine/run.hpp>
#include <jailed/work/launch/facts.hpp>
#include <optional>

namespace jailed::work {

/// After a launch that failed with this error: when it lacked the isolated network, makes it, or where that cannot be done says so
/// and settles for the engine's own network. Returns the launch that should be tried again. Where the words may be the
/// command's, only a network that was not there before is believed: no command runs twice.
std::optional<LaunchFacts> with_isolated_network(const LaunchFacts& facts, const engine::JailEnd& end);

}  // namespace jailed::work
