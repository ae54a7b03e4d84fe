#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/work/launch/places.hpp>

namespace jailed::work {

/// Says, once, that a project was moved: what agents know of it is filed under its former path. Remembers the projects of
/// this launch in `<config>/known-projects.json`.
void tell_of_moved_projects(const Places& places, const core::Settings& settings);

/// Says which links at the top of the projects lead out of them.
void tell_of_links_out(const Places& places, const core::Settings& settings, const core::Environment& environment, bool synced);

}  // namespace jailed::work
