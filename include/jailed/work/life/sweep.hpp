#pragma once
#include <jailed/work/launch/facts.hpp>

namespace jailed::work {

/// Removes what a killed jailed left: containers, session files, root's mounts. Work in a volume is brought
/// home first; where that cannot be done, the volume stays and the user is told. So are commits: those of
/// this launch's project are offered.
void sweep(const LaunchFacts& facts);

}  // namespace jailed::work
