#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>

namespace jailed::engine {

/// Looks at PATH and at the kernel's files and decides; no process is started and nothing changed. A `docker` that is podman
/// (podman-docker) is taken as podman.
plan::Engine find_engine(const core::Settings& settings, const core::Environment& environment);

/// find_engine, for who calls it next: from here on every client that this process starts is told what it has to know
/// (Engine::client_env), Mutagen's and those of the processes beside jailed as well.
plan::Engine use_engine(const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::engine
