#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/testcontainers.hpp>
#include <jailed/plan/engine/traits.hpp>

namespace jailed::plan {
namespace {

using core::Error;
using core::printable;

constexpr std::string_view kInJail = "/var/run/docker.sock";

constexpr auto kNeedsSocket =
    "--testcontainers needs a daemon on this machine: its containers must see the jail's ports and files";

std::string name_or_number(const std::string& name, unsigned id) {
  return name.empty() ? std::to_string(id) : fmt::format("{} ({})", printable(name), id);
}

}  // namespace

std::string unix_socket_of(const Endpoint& endpoint) {
  if (endpoint.address.starts_with(std::string(kUnixScheme) + "/")) return endpoint.address.substr(kUnixScheme.size());
  throw Error(
      fmt::format("{} names '{}', which is no unix socket of this machine.", endpoint.named_by, printable(endpoint.address)),
      kNeedsSocket);
}

std::vector<std::string> socket_candidates(const Engine& engine, const EndpointFacts& facts) {
  return traits_of(engine).socket.places(engine, facts);
}

void check_socket(const Engine& engine, const std::vector<std::string>& candidates,
                  const std::optional<SocketFound>& found) {
  const auto& traits = traits_of(engine);
  const std::string how_to_start(traits.socket.how_to_start(engine));
  if (!found) {
    std::string places;
    for (const auto& path : candidates) places += (places.empty() ? "" : " and ") + printable(path);
    throw Error(
        fmt::format("--testcontainers: {}'s socket is not there: {} does not exist.", traits.title, places),
        how_to_start);
  }
  if (!found->is_socket) {
    throw Error(fmt::format("--testcontainers: {} is not a socket.", printable(found->path)),
                how_to_start);
  }
  if (found->usable) return;
  const bool by_group = (found->mode & 020) != 0 && found->group != 0;
  throw Error(
      fmt::format(
          "--testcontainers: permission denied on {}: it belongs to user {} and group {}, mode {:04o}.",
          printable(found->path), name_or_number(found->owner_name, found->owner),
          name_or_number(found->group_name, found->group), found->mode & 07777),
      by_group
          ? fmt::format("you are missing in the group {0}: sudo usermod -aG {0} \"$USER\", then log in anew",
                        found->group_name.empty() ? std::to_string(found->group) : found->group_name)
          : "call jailed as that user, or use rootless podman: jailed --runtime podman");
}

SocketAccess socket_access(const Engine& engine, const SocketFound& socket, Identity identity) {
  if (engine.rootless) return {};  // keep-id: the caller's socket is the caller's in the jail as well
  if (socket.owner == identity.uid && (socket.mode & 0200) != 0) return {};
  if ((socket.mode & 02) != 0) return {};
  if (socket.group == identity.gid && (socket.mode & 020) != 0) return {};
  // Not for group 0: no process in a jail is in root's group.
  if ((socket.mode & 020) != 0 && socket.group != 0) return {.group = socket.group};
  return {.group = std::nullopt, .idmap = true};
}

void add_testcontainers(Jail& jail, const Engine& engine, const SocketSource& source,
                        const std::vector<std::string>& user_env) {
  jail.binds.push_back({source.mount, std::string(kInJail), false});
  if (source.group) jail.groups.push_back(*source.group);

  const auto& traits = traits_of(engine).socket;
  if (const std::string_view host = traits.add_host; !host.empty()) jail.hosts.emplace_back(host);

  std::vector<core::EnvVar> variables = {
      {"DOCKER_HOST", std::string(kUnixScheme) + std::string(kInJail)},
      {"TESTCONTAINERS_HOST_OVERRIDE", traits.host},
      {"TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE", source.on_host},
  };
  // Ryuk is a container with the raw socket inside. Rootless podman's SELinux label would keep it from the
  // socket; for rootful podman the libraries have the privileged Ryuk.
  if (source.filtered || engine.rootless) {
    variables.push_back({"TESTCONTAINERS_RYUK_DISABLED", "true"});
  } else if (traits.privileged_ryuk) {
    variables.push_back({"TESTCONTAINERS_RYUK_CONTAINER_PRIVILEGED", "true"});
    variables.push_back({"TESTCONTAINERS_RYUK_PRIVILEGED", "true"});  // Node's and Python's name for it
  }
  for (auto& variable : variables) {
    const bool users = std::any_of(user_env.begin(), user_env.end(), [&](const std::string& entry) {
      return entry.substr(0, entry.find('=')) == variable.name;
    });
    if (!users) jail.environment.constants.push_back(std::move(variable));
  }
}

std::vector<SiblingSweep> sibling_sweeps(const Engine& engine, const std::string& session_id) {
  const auto filter = "label=jailed.sibling=" + session_id;
  const auto& program = engine.program;
  return {{{program, {"ps", "--all", "--quiet", "--filter", filter}, {}},
           {program, {"rm", "--force", "--volumes"}, {}}},
          {{program, {"network", "ls", "--quiet", "--filter", filter}, {}}, {program, {"network", "rm"}, {}}},
          {{program, {"volume", "ls", "--quiet", "--filter", filter}, {}}, {program, {"volume", "rm"}, {}}}};
}

std::string socket_warning(const Engine& engine, uid_t socket_owner) {
  return fmt::format(
      "--testcontainers: the engine's socket is in the jail. Whoever holds it is {}; the jail's other walls "
      "no longer "
      "hold. The safe way: --testcontainers=proxy",
      engine.rootless || socket_owner != 0 ? "you on this machine" : "root on this machine");
}

}  // namespace jailed::plan
