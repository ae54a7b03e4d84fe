#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/runtime.hpp>
#include <string>

namespace jailed::commands {

/// After a launch that failed with this error: when it lacked the isolated network, makes it, or where that cannot be done says so
/// and settles for the engine's own network. Returns whether the launch should be tried again.
bool make_isolated_network(const plan::Engine& engine, const std::string& error, core::Settings& settings);

}  // namespace jailed::commands
