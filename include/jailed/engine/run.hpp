#pragma once
#include <cstdint>
#include <jailed/core/exit_status.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <string>
#include <vector>

namespace jailed::engine {

/// Jails that are started, and what runs in one in the foreground.

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

/// Starts a jail with a keeper command in the background (plan::jail_for); what is carried over instead of being mounted comes next.
/// Empty when it runs, else what the engine said.
std::string start_keeper(const plan::Engine& engine, const plan::Jail& jail);

/// The jail's command in its running keeper, in the foreground. TERM and HUP reach it by a call of their own.
JailEnd run_in_keeper(const plan::Engine& engine, const plan::Jail& jail);

/// A command in a jail that somebody else started, in the foreground; `workspace`, `token` and `terminal` as in
/// plan::exec_command. The engine's words come back only when they say that the container is gone: then nothing has run.
JailEnd run_in_jail(const plan::Engine& engine, const std::string& container, const std::string& workspace,
                    const std::vector<std::string>& command, const std::string& token, bool terminal);

/// What a helper of a jail printed.
struct Printed {
  std::string not_started;  // not empty: it did not, and the engine said this
  host::StreamedResult result;
};

/// Runs what packs a jail's commits (plan::collector) and writes what it prints to `output`, at most `limit` bytes; its
/// container is gone afterwards.
Printed run_collector(const plan::Engine& engine, const plan::Jail& collector, int output, std::uint64_t limit);

/// Shows what a detached jail's command has said, in the foreground; `follow`: and says, until it ends.
core::ExitStatus show_log(const plan::Engine& engine, const std::string& container, bool follow);

}  // namespace jailed::engine
