#pragma once
#include <sys/types.h>

#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// How the address of a socket of this machine begins.
inline constexpr std::string_view kUnixScheme = "unix://";

/// What says which engine a client talks to. All of it is read, none of it asked.
struct EndpointFacts {
  std::optional<std::string> docker_host;           // DOCKER_HOST
  std::optional<std::string> docker_context;        // DOCKER_CONTEXT
  std::string docker_config;                        // the content of ~/.docker/config.json
  std::vector<std::string> docker_contexts;         // the contents of ~/.docker/contexts/meta/*/meta.json
  std::optional<std::string> container_host;        // CONTAINER_HOST
  std::optional<std::string> container_connection;  // CONTAINER_CONNECTION
  std::vector<std::string> containers_conf;  // the contents of containers.conf, the last beats the others
  std::string podman_connections;            // the content of podman-connections.json (podman 5)
  bool podman_is_client = false;             // macOS: this podman only ever talks to another
  std::optional<std::string> runtime_dir;    // XDG_RUNTIME_DIR
  uid_t uid = 0;                             // the caller
};

/// An address that somebody named.
struct Endpoint {
  std::string address;   // unix:///…, ssh://…, tcp://…
  std::string named_by;  // "DOCKER_HOST", "The docker context 'x'"
  std::string way_back;  // what undoes it
  bool machine = false;  // podman's own virtual machine, which sees the home of its host
  std::string context = {};  // the docker context that says so
  bool operator==(const Endpoint&) const = default;
};

/// DOCKER_HOST, DOCKER_CONTEXT, the context in docker's configuration: docker's own order. Nothing: the usual
/// socket. Throws Error for a context that is not there.
std::optional<Endpoint> docker_endpoint(const EndpointFacts& facts);

/// CONTAINER_HOST, CONTAINER_CONNECTION; the default connection where podman is a client only, by its build
/// or by `remote = true` in containers.conf. Nothing: podman works by itself. Throws Error for a connection
/// that is not there.
std::optional<Endpoint> podman_endpoint(const EndpointFacts& facts);

/// The one that its kind reads.
std::optional<Endpoint> engine_endpoint(const Engine& engine, const EndpointFacts& facts);

/// With ssh:// and tcp:// it is another machine. A port of this machine's own is no exception: it may be the end of a tunnel
/// or lead into a virtual machine, and nothing tells without asking. Podman's virtual machine on macOS is one, for it mounts
/// the home.
Reach reach_of(const Endpoint& endpoint);

/// Without user and password, which an address may carry.
std::string shown_address(std::string_view address);

/// Throws Error for daemons in which no user but root is the caller: rootless Docker, told by its socket
/// (`$XDG_RUNTIME_DIR/docker.sock`, /run/user/UID/docker.sock), and docker's client on podman's socket. Their
/// user namespaces cannot be chosen for one container (there is no keep-id), the kernel gives idmapped mounts
/// only to those who own the file system, and a jail has no process that is root.
void check_caller_is_mapped(const Engine& engine, const EndpointFacts& facts);

}  // namespace jailed::plan
