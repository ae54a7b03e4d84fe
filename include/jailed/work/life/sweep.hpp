#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/work/launch/places.hpp>

namespace jailed::work {

/// Removes what a killed jailed left: containers, session files, root's mounts. Work in a volume is brought
/// home first; where that cannot be done, the volume stays and the user is told. So are commits: those of
/// `places.project` are offered.
void sweep(const plan::Engine& engine, const Places& places, const core::Environment& environment);

}  // namespace jailed::work
