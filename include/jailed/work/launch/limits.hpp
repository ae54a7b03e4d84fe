#pragma once
#include <jailed/work/launch/facts.hpp>

namespace jailed::work {

/// Says that limits cannot hold here: once for a configuration directory, which remembers it in `told/`
/// (nothing of that is in any jail), and each time when the user asked for such a limit by name.
void tell_of_missing_limits(const LaunchFacts& facts);

}  // namespace jailed::work
