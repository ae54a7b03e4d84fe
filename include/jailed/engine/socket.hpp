#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/engine/testcontainers.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <optional>

namespace jailed::engine {

/// The engine's socket on the host, found and allowed.
struct EngineSocket {
  plan::Engine engine;
  plan::SocketFound found;
  plan::SocketAccess access;
  core::Testcontainers mode = core::Testcontainers::off;
};

/// Looks where the engine's socket is, without a call of the engine; nothing when the jail is to have none.
/// Throws core::Error when it is wanted and not there, or not the caller's to use.
std::optional<EngineSocket> look_at_engine_socket(const core::Settings& settings, const plan::Engine& engine,
                                                  plan::Identity identity,
                                                  const core::Environment& environment);

}  // namespace jailed::engine
