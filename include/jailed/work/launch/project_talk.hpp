#pragma once
#include <jailed/work/launch/facts.hpp>

namespace jailed::work {

/// Says, once, that a project was moved: what agents know of it is filed under its former path. Remembers the projects of
/// this launch in `<config>/known-projects.json`.
void tell_of_moved_projects(const LaunchFacts& facts);

/// Says which links at the top of the projects lead out of them.
void tell_of_links_out(const LaunchFacts& facts);

}  // namespace jailed::work
