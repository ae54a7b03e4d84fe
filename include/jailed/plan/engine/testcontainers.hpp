#pragma once
#include <sys/types.h>

#include <jailed/core/engine_call.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Paths of the host where the engine's socket may be; the first one that exists is meant.
/// Docker: DOCKER_HOST, then the context that is in use (docker's own order), else /var/run/docker.sock.
/// Throws Error when what is named is no unix socket of this machine.
std::vector<std::string> socket_candidates(const Engine& engine, const EndpointFacts& facts);

/// The path of a unix socket of this machine. Throws Error when the address is none.
std::string unix_socket_of(const Endpoint& endpoint);

/// What was found at a candidate's path.
struct SocketFound {
  std::string path;
  bool is_socket = false;
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;
  std::string owner_name;  // may be empty
  std::string group_name;  // may be empty
  bool usable = false;     // the caller may write to it
};

/// Throws Error with the command that helps: no socket, something else in its place, or one that the caller
/// may not use.
void check_socket(const Engine& engine, const std::vector<std::string>& candidates,
                  const std::optional<SocketFound>& found);

/// How the jail's user gets to write to the socket without a process that is root.
struct SocketAccess {
  std::optional<gid_t> group;  // joins this group of the host
  bool idmap = false;          // root's socket has to appear as the jail's user's own
};
SocketAccess socket_access(const Engine& engine, const SocketFound& socket, Identity identity);

/// Where the engine's socket comes from, and what it is to the jail.
struct SocketSource {
  std::string mount;      // the file to bind
  std::string on_host;    // the socket's path as the engine knows it
  bool filtered = false;  // it is the proxy's
  std::optional<gid_t> group;
};

/// The socket at /var/run/docker.sock, and the variables by which the Testcontainers libraries find it and,
/// on the host's address, the ports of the containers that they start. What the user set by --env stays.
void add_testcontainers(Jail& jail, const Engine& engine, const SocketSource& source,
                        const std::vector<std::string>& user_env);

/// What a killed proxy left of a session, kind by kind: the call that lists it, and the one that removes it
/// with the names appended.
struct SiblingSweep {
  core::EngineCall find;
  core::EngineCall remove;
};
std::vector<SiblingSweep> sibling_sweeps(const Engine& engine, const std::string& session_id);

/// The one line that says what the jail can do with this socket.
std::string socket_warning(const Engine& engine, uid_t socket_owner);

}  // namespace jailed::plan
