#pragma once
#include <functional>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/host/process/lease.hpp>
#include <string>

namespace jailed::engine {

/// How a launch ended.
struct JailEnd {
  core::ExitStatus status;
  std::string engine_error;  // not empty: the engine could not start the jail, or left it, and said this
  bool stopped = false;      // jailed was asked to end it
  // The words came on a stream that the command can write to as well, and nothing tells whose they are: only the engine's state
  // may have it run again.
  bool may_have_run = false;
};

/// One engine call, in the foreground. `lease` passes TERM, HUP, INT and QUIT on to the jail's process 1;
/// where it is empty, and when the client does not go, the container is removed by a call of its own.
JailEnd run_jail(const plan::Engine& engine, const plan::Jail& jail, host::Lease& lease);

/// Starts a jail with a keeper command in the background; on another machine it is given what it would have mounted
/// here (plan::remote_parts). Empty when it runs, else what the engine said.
std::string start_keeper(const plan::Engine& engine, const plan::Jail& jail);

/// The jail's command in its running keeper, in the foreground. TERM and HUP reach it by a call of their own.
JailEnd run_in_keeper(const plan::Engine& engine, const plan::Jail& jail);

/// A client in the foreground that runs no command in a jail.
core::ExitStatus run_attached(const core::Command& command);

/// A command in a jail that somebody else started, in the foreground; `token` and `terminal` as in
/// plan::exec_command. The engine's words come back only when they say that the container is gone: then nothing has run.
JailEnd run_in_jail(const plan::Engine& engine, const std::string& container, const core::Command& command,
                    const std::string& token, bool terminal);

/// Removes the containers of a session whose jailed was killed, if any are left. When it returns, none is; an engine that does not say so is a
/// core::Error.
void remove_session_containers(const plan::Engine& engine, const std::string& session_id);

/// Removes what a jail made through a proxy for the engine's socket that was killed.
void remove_siblings(const plan::Engine& engine, const std::string& session_id);

}  // namespace jailed::engine
