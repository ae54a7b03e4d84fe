#include <spdlog/spdlog.h>
#include <unistd.h>

#include <jailed/core/error.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/network/sidecar.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <jailed/work/launch/facts.hpp>
#include <utility>

namespace jailed::work {
namespace {

using core::Environment;
using core::Settings;

// How the project gets in: Mutagen, or nothing for bind mounts.
std::optional<MutagenProgram> choose_sync(const Settings& settings, const plan::Engine& engine, const Environment& environment) {
  if (settings.sync == core::Sync::bind) return std::nullopt;
  const bool asked_for = settings.sync == core::Sync::mutagen;
  try {
    auto program = find_mutagen(engine, environment);
    if (!program) {
      spdlog::warn("Mutagen not found. Install it for better file sync performance.");
      spdlog::info("  get it from https://mutagen.io, or do without and without this line: JAILED_SYNC_STRATEGY=bind");
    }
    return program;
  } catch (const core::Error& error) {
    if (asked_for || !engine.reach.mounts) throw;
    spdlog::warn("{} The project is mounted directly.", error.what());
    return std::nullopt;
  }
}

}  // namespace

LaunchFacts launch_facts(const Settings& settings, const Environment& environment, const plan::Engine& engine, const Places& places,
                         std::optional<plan::Identity> identity) {
  const bool mounts = engine.reach.mounts;
  const auto jailed_user = !mounts ? plan::kRemoteIdentity : identity ? *identity : identity_here(places, environment);
  return {.command = {},
          .settings = settings,
          .environment = environment,
          .engine = engine,
          .places = places,
          .identity = jailed_user,
          .reader = mounts ? jailed_user : plan::Identity{::geteuid(), ::getegid()}};
}

LaunchFacts look_at_launch(const core::Invocation& invocation, const Settings& settings, const Environment& environment) {
  auto engine = engine::use_engine(settings, environment);
  plan::check_network(settings, engine, host::engines_are_in_a_virtual_machine() || !host::Lease::supported());
  const auto places = look_at_places(invocation.words, settings, environment);
  auto socket = engine::look_at_engine_socket(settings, engine, identity_here(places, environment), environment);
  const bool can_sync = settings.sync != core::Sync::bind && host::find_program("mutagen", environment);
  engine::check_engine_here(engine, mounted_from(places), settings, can_sync, environment);
  engine::ask_remote_machine(engine);
  auto facts = launch_facts(settings, environment, engine, places);
  facts.command = invocation.command;
  facts.engine_socket = std::move(socket);
  facts.mutagen = choose_sync(settings, engine, environment);
  return facts;
}

LaunchFacts mounted_instead(LaunchFacts facts) {
  facts.mutagen.reset();
  return facts;
}

}  // namespace jailed::work
