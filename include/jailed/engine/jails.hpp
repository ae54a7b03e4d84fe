#pragma once
#include <jailed/host/process/death_watch.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/list/jails.hpp>
#include <string>
#include <vector>

namespace jailed::engine {

/// Jails that are there: which, how they are, and their end.

/// One call: all that claims to be a jail of this user, whatever its state. Throws core::Error when the engine does not
/// say; `image` is that of the settings, for what it may say of it.
plan::JailList list_jails(const plan::Engine& engine, const std::string& image);

/// Whether the container is there and runs. Where the engine does not answer it is taken to run.
bool jail_runs(const plan::Engine& engine, const std::string& container);

/// Whether the kernel killed for memory in this container. Asked only of an engine that knows afterwards.
plan::OutOfMemory out_of_memory(const plan::Engine& engine, const std::string& container);

/// Asks jails to end, in one call, and ends those that have not within some seconds; sends a signal to a command of a jail
/// (`token` as in plan::exec_command). Empty when all is well, else what the engine said.
std::string stop_jails(const plan::Engine& engine, const std::vector<std::string>& containers);
std::string signal_jail(const plan::Engine& engine, const std::string& container, const std::string& token, int signal);

/// Whether the engine came to an end with a removal, and what it said.
struct Removal {
  bool overdue = false;
  std::string said;
};

/// Removes a jail's container if it is still there.
Removal remove_jail(const plan::Engine& engine, const std::string& container);

/// Has a container removed when jailed dies, where no lease ends it.
class DeathWatch {
 public:
  DeathWatch(const std::string& session, const plan::Engine& engine, const std::string& container);

 private:
  host::DeathWatch watch_;
};

/// Starts the command of a detached jail, now that its project is there.
void start_detached_command(const plan::Engine& engine, const std::string& container);

/// Whether a client is still there that is to run the session's jail, although jailed itself is gone: it may be about to start the
/// container. Here only; on another machine a DeathWatch removes it.
bool client_runs(const std::string& session_id);

/// Removes the containers of a session whose jailed was killed, if any are left. When it returns, none is; an engine that does not say so is a
/// core::Error.
void remove_session_containers(const plan::Engine& engine, const std::string& session_id);

/// Removes what a jail made through a proxy for the engine's socket that was killed.
void remove_siblings(const plan::Engine& engine, const std::string& session_id);

}  // namespace jailed::engine
