#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/engine/socket.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/work/launch/places.hpp>
#include <jailed/work/sync/program.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// What a launch was asked, and what the host and the engine said: found out once, before anything is planned, and the same from
/// then on.
struct LaunchFacts {
  std::vector<std::string> command;  // none: a shell
  core::Settings settings;
  core::Environment environment;
  plan::Engine engine;
  Places places;
  plan::Identity identity;  // who the jail will be: on another machine the image's own user
  plan::Identity reader;    // for whom files here have to be readable: that one, or the caller, who copies them to another machine
  std::optional<engine::EngineSocket> engine_socket = std::nullopt;  // only with --testcontainers
  std::optional<MutagenProgram> mutagen = std::nullopt;              // brings the projects in; none: they are mounted
};

/// Looks and checks, makes nothing. One question to an engine of another machine, none to one of this. Throws core::Error for what
/// must not be put into a jail, and for an engine that cannot have it. What is unwelcome but no obstacle is said.
LaunchFacts look_at_launch(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

/// The same where engine and places are found already, without a socket and without Mutagen. `identity`: of a jail that there was.
LaunchFacts launch_facts(const core::Settings& settings, const core::Environment& environment, const plan::Engine& engine,
                         const Places& places, std::optional<plan::Identity> identity = std::nullopt);

/// The same launch with the projects mounted.
LaunchFacts mounted_instead(LaunchFacts facts);

}  // namespace jailed::work
