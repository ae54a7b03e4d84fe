#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <string>

namespace jailed::work {

/// Says that limits cannot hold here: once for a configuration directory, which remembers it in `told/`
/// (nothing of that is in any jail), and each time when the user asked for such a limit by name.
void tell_of_missing_limits(const core::Settings& settings, const plan::Engine& engine, const std::string& config);

}  // namespace jailed::work
