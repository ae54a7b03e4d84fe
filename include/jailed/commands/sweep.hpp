#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/runtime.hpp>
#include <string>

namespace jailed::commands {

/// Removes what a killed jailed left: containers, session files, root's mounts. Work in a volume is brought
/// home first; where that cannot be done, the volume stays and the user is told.
void sweep(const plan::Engine& engine, const std::string& sessions, const core::Environment& environment);

}  // namespace jailed::commands
