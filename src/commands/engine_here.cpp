#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/commands/engine_here.hpp>
#include <fmt/format.h>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/kernel.hpp>
#include <jailed/host/process.hpp>
#include <jailed/plan/limits.hpp>
#include <jailed/plan/remote.hpp>
#include <jailed/plan/selinux.hpp>

namespace jailed::commands {
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

}  // namespace

plan::EndpointFacts endpoint_facts(const Environment& environment) {
  plan::EndpointFacts facts;
  facts.docker_host = environment.get("DOCKER_HOST");
  facts.docker_context = environment.get("DOCKER_CONTEXT");
  facts.container_host = environment.get("CONTAINER_HOST");
  facts.container_connection = environment.get("CONTAINER_CONNECTION");
  facts.runtime_dir = environment.get("XDG_RUNTIME_DIR");
  facts.uid = ::geteuid();
#ifdef __APPLE__
  facts.podman_is_client = true;
#endif
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
  if (!engine.remote || engine.machine) return;
  const auto answer = host::capture(plan::ask_machine_command(engine));
  const auto parsed = answer.status.ok() ? plan::parse_machine(engine, answer.out) : std::nullopt;
  if (!parsed) {
    if (const auto failure = engine::recognise_failure(engine, answer.err, {})) throw core::Error(failure->message, failure->next_step);
    throw core::Error(fmt::format("The engine at {} does not answer: {}", plan::shown_address(engine.endpoint),
                                  core::printable(answer.err.empty() ? answer.out : answer.err)));
  }
  engine.machine = parsed->machine;
  if (engine.kind == plan::EngineKind::docker) return;
  engine.rootless = parsed->rootless;
  engine.limits = parsed->limits;
}

void check_engine_here(const plan::Engine& engine, const Places& places, const Settings& settings, bool synced,
                       const Environment& environment) {
  const auto facts = endpoint_facts(environment);
  if (engine.remote) {
    plan::check_remote(settings, *plan::engine_endpoint(engine.kind, facts), synced);
    return;
  }
  plan::check_caller_is_mapped(engine, facts);
  std::string ignored;
  const auto home = host::canonical(environment.get("HOME").value_or(""), ignored);
  plan::check_label(engine, places.project, home);
  for (const auto& project : places.further) plan::check_label(engine, project.path, home);
  plan::check_label(engine, places.config, home);
}

void tell_of_missing_limits(const Settings& settings, const plan::Engine& engine, const Places& places) {
  if (engine.limits == plan::LimitSupport{}) return;
  const auto files = host::user_cgroup(::geteuid());
  if (!files) return;
  const auto notice = plan::limits_notice(engine, {files->unified, files->controllers}, settings);
  if (!notice) return;
  const auto marker = places.config + "/told/limits";
  const bool asked = settings.memory || settings.cpus;
  const bool told = host::lstat_of(marker).has_value();
  if (!told || asked) spdlog::warn("{}", *notice);
  if (told) return;
  try {
    host::make_private_directories(places.config + "/told");
    host::write_new_file(marker, "", 0600);
  } catch (const core::Error&) {
    // Another launch was faster, or it will be said once more.
  }
}

}  // namespace jailed::commands
