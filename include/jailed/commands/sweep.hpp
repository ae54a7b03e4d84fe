#pragma once
#include <jailed/commands/places.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/plan/runtime.hpp>

namespace jailed::commands {

/// Removes what a killed jailed left: containers, session files, root's mounts. Work in a volume is brought
/// home first; where that cannot be done, the volume stays and the user is told. So are commits: those of
/// `places.project` are offered.
void sweep(const plan::Engine& engine, const Places& places, const core::Environment& environment);

}  // namespace jailed::commands
