#pragma once
#include <functional>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/build.hpp>
#include <jailed/plan/jail.hpp>
#include <string>

namespace jailed::engine {

/// How a launch ended.
struct JailEnd {
  core::ExitStatus status;
  std::string engine_error;  // not empty: the engine could not start the jail, and said this
};

/// One engine call, in the foreground. `lease` passes TERM, HUP, INT and QUIT on to the jail's process 1;
/// where it is empty, and when the client does not go, the container is removed by a call of its own.
JailEnd run_jail(const plan::Engine& engine, const plan::Jail& jail, host::Lease& lease);

/// Removes the containers of a session whose jailed was killed, if any are left.
void remove_session_containers(const plan::Engine& engine, const std::string& session_id);

/// Removes what a jail made through a proxy for the engine's socket that was killed.
void remove_siblings(const plan::Engine& engine, const std::string& session_id);

}  // namespace jailed::engine
