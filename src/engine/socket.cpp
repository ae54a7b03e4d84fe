#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jailed/core/error.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/engine/socket.hpp>
#include <jailed/host/machine/machine.hpp>

namespace jailed::engine {
namespace {

using core::Environment;

std::optional<plan::SocketFound> probe(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  plan::SocketFound found;
  found.path = path;
  found.is_socket = S_ISSOCK(info.st_mode);
  found.owner = info.st_uid;
  found.group = info.st_gid;
  found.mode = info.st_mode & 07777;
  if (const auto* user = ::getpwuid(info.st_uid)) found.owner_name = user->pw_name;
  if (const auto* group = ::getgrgid(info.st_gid)) found.group_name = group->gr_name;
  found.usable = ::access(path.c_str(), W_OK) == 0;
  return found;
}

}  // namespace

std::optional<EngineSocket> look_at_engine_socket(const core::Settings& settings, const plan::Engine& engine,
                                                  plan::Identity identity, const Environment& environment) {
  if (settings.testcontainers == core::Testcontainers::off) return std::nullopt;
  if (host::engines_are_in_a_virtual_machine() && settings.testcontainers == core::Testcontainers::proxy) {
    throw core::UsageError(
        "--testcontainers=proxy works on Linux only: here the engine is in a virtual machine.",
        "without the proxy, the jail is root in that machine: --testcontainers");
  }
  const auto candidates = plan::socket_candidates(engine, endpoint_facts(environment));
  std::optional<plan::SocketFound> found;
  for (const auto& path : candidates) {
    if (!found) found = probe(path);
  }
  plan::check_socket(engine, candidates, found);
  return EngineSocket{engine, *found, plan::socket_access(engine, *found, identity), settings.testcontainers};
}

}  // namespace jailed::engine
