#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <string>

namespace jailed::work {

/// After a launch that failed with this error: when it lacked the isolated network, makes it, or where that cannot be done says so
/// and settles for the engine's own network. Returns whether the launch should be tried again. Where the words may be the
/// command's, only a network that was not there before is believed: no command runs twice.
bool make_isolated_network(const plan::Engine& engine, const engine::JailEnd& end, core::Settings& settings);

}  // namespace jailed::work
