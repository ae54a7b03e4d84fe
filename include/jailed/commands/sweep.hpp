#pragma once
#include <jailed/commands/mutagen_program.hpp>
#include <jailed/plan/runtime.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// Removes what a killed jailed left: containers, session files, root's mounts. Work in a volume is brought
/// home first; where that cannot be done, the volume stays and the user is told.
void sweep(const plan::Engine& engine, const std::string& sessions,
           const std::optional<MutagenProgram>& mutagen);

}  // namespace jailed::commands
