#include <unistd.h>

#include <algorithm>
#include <fmt/format.h>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/selinux.hpp>
#include <jailed/plan/sync/remote.hpp>

#include "client.hpp"

namespace jailed::engine {
namespace {

using core::Environment;
using core::Settings;

void read_into(std::vector<std::string>& contents, const std::string& path) {
  if (auto text = host::read_file(path)) contents.push_back(std::move(*text));
}

// In podman's order, see containers.conf(5).
std::vector<std::string> containers_conf(const std::string& user_directory, const Environment& environment) {
  std::vector<std::string> contents;
  if (const auto only = environment.get("CONTAINERS_CONF")) {
    read_into(contents, *only);
  } else {
    read_into(contents, "/usr/share/containers/containers.conf");
    for (const auto& directory : {std::string("/etc/containers"), user_directory}) {
      read_into(contents, directory + "/containers.conf");
      auto names = host::list_directory(directory + "/containers.conf.d");
      std::sort(names.begin(), names.end());
      for (const auto& name : names) {
        if (name.ends_with(".conf")) read_into(contents, directory + "/containers.conf.d/" + name);
      }
    }
  }
  if (const auto last = environment.get("CONTAINERS_CONF_OVERRIDE")) read_into(contents, *last);
  return contents;
}

[[noreturn]] void refuse_silent(const plan::Engine& engine, const host::Captured& answer) {
  if (const auto failure = plan::recognise_failure(engine, answer.err, {})) throw core::Error(failure->message, failure->next_step);
  const auto where = engine.endpoint.empty() ? core::printable(engine.program) : fmt::format("the engine at {}", plan::shown_address(engine.endpoint));
  throw core::Error(fmt::format("No answer of {}: {}", where, core::printable(answer.err.empty() ? answer.out : answer.err)));
}

}  // namespace

plan::EndpointFacts endpoint_facts(const Environment& environment) {
  plan::EndpointFacts facts;
  facts.docker_host = environment.get("DOCKER_HOST");
  facts.docker_context = environment.get("DOCKER_CONTEXT");
  facts.container_host = environment.get("CONTAINER_HOST");
  facts.container_connection = environment.get("CONTAINER_CONNECTION");
  facts.runtime_dir = environment.get("XDG_RUNTIME_DIR");
  facts.uid = ::geteuid();
  facts.podman_is_client = host::engines_are_in_a_virtual_machine();
  const auto home = environment.get("HOME").value_or("");
  const auto docker = environment.get("DOCKER_CONFIG").value_or(home + "/.docker");
  facts.docker_config = host::read_file(docker + "/config.json").value_or("");
  const auto contexts = docker + "/contexts/meta";
  for (const auto& name : host::list_directory(contexts))
    read_into(facts.docker_contexts, contexts + "/" + name + "/meta.json");
  const auto podman = environment.get("XDG_CONFIG_HOME").value_or(home + "/.config") + "/containers";
  facts.containers_conf = containers_conf(podman, environment);
  facts.podman_connections =
      host::read_file(
          environment.get("PODMAN_CONNECTIONS_CONF").value_or(podman + "/podman-connections.json"))
          .value_or("");
  return facts;
}

void ask_remote_machine(plan::Engine& engine) {
  if (engine.reach.facts || engine.machine) return;
  const auto answer = Client::capture(plan::ask_machine_command(engine));
  const auto parsed = answer.status.ok() ? plan::parse_machine(engine, answer.out) : std::nullopt;
  if (!parsed) refuse_silent(engine, answer);
  engine.machine = parsed->machine;
  engine.rootless = parsed->rootless;
  engine.limits = parsed->limits;
}

std::string ask_version(const plan::Engine& engine) {
  const auto answer = Client::capture(plan::ask_version_command(engine));
  const std::string version(core::trimmed(answer.out));
  if (!answer.status.ok() || !core::is_version(version)) refuse_silent(engine, answer);
  return version;
}

void check_engine_here(const plan::Engine& engine, const std::vector<std::string>& mounted, const Settings& settings, bool synced,
                       const Environment& environment) {
  const auto facts = endpoint_facts(environment);
  if (!engine.reach.mounts) {
    plan::check_remote(settings, *plan::engine_endpoint(engine, facts), synced);
    return;
  }
  plan::check_caller_is_mapped(engine, facts);
  std::string ignored;
  const auto home = host::canonical(environment.get("HOME").value_or(""), ignored);
  for (const auto& path : mounted) plan::check_label(engine, path, home);
}

}  // namespace jailed::engine
