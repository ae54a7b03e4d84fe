#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>

namespace jailed::engine {

/// Looks at PATH and at the kernel's files and decides; no process is started. A `docker` that is podman
/// (podman-docker) is taken as podman.
plan::Engine find_engine(const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::engine
