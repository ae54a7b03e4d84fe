#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jailed/commands/engine_socket.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>

namespace jailed::commands {
namespace {

using core::Environment;

plan::SocketFacts socket_facts(const Environment& environment) {
  plan::SocketFacts facts;
  facts.docker_host = environment.get("DOCKER_HOST");
  facts.docker_context = environment.get("DOCKER_CONTEXT");
  facts.runtime_dir = environment.get("XDG_RUNTIME_DIR");
  facts.uid = ::geteuid();
  const auto directory =
      environment.get("DOCKER_CONFIG").value_or(environment.get("HOME").value_or("") + "/.docker");
  facts.docker_config = host::read_file(directory + "/config.json").value_or("");
  const auto contexts = directory + "/contexts/meta";
  for (const auto& name : host::list_directory(contexts)) {
    if (auto text = host::read_file(contexts + "/" + name + "/meta.json"))
      facts.docker_contexts.push_back(std::move(*text));
  }
  return facts;
}

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
#ifndef __linux__
  if (settings.testcontainers == core::Testcontainers::proxy) {
    throw core::UsageError(
        "--testcontainers=proxy works on Linux only: here the engine is in a virtual machine.",
        "without the proxy, the jail is root in that machine: --testcontainers");
  }
#endif
  const auto candidates = plan::socket_candidates(engine, socket_facts(environment));
  std::optional<plan::SocketFound> found;
  for (const auto& path : candidates) {
    if (!found) found = probe(path);
  }
  plan::check_socket(engine, candidates, found);
  return EngineSocket{engine, *found, plan::socket_access(engine, *found, identity), settings.testcontainers};
}

}  // namespace jailed::commands
