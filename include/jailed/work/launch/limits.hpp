#pragma once
#include <jailed/work/launch/facts.hpp>
#include <optional>
#include <string>

namespace jailed::work {

/// Says that limits cannot hold here: once for a configuration directory, which remembers it in `told/`
/// (nothing of that is in any jail), and each time when the user asked for such a limit by name.
void tell_of_missing_limits(const LaunchFacts& facts);

/// The same line, whether or not it was said before; nothing when all limits hold.
std::optional<std::string> missing_limits(const plan::Engine& engine, const core::Settings& settings);

}  // namespace jailed::work
