#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/kernel.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/limits.hpp>
#include <utility>

namespace jailed::engine {
namespace {

// Docker's own default, by both of its names.
constexpr std::string_view kUsualSockets[] = {"unix:///var/run/docker.sock", "unix:///run/docker.sock"};

// podman-docker's `docker` is a script or a link.
bool is_really(const std::string& program, std::string_view other) {
  std::string ignored;
  if (host::canonical(program, ignored).ends_with(fmt::format("/{}", other))) return true;
  return plan::hands_on_to(host::read_beginning(program, 4096), other);
}

void use_endpoint(plan::Engine& engine, const plan::Endpoint& endpoint) {
  if (std::ranges::find(kUsualSockets, endpoint.address) == std::end(kUsualSockets)) engine.endpoint = endpoint.address;
  engine.reach = plan::reach_of(endpoint);
  if (engine.reach == plan::kHere) return;
  engine.asked_from = host::machine_name();
  engine.rootless = false;  // until it is asked
  // Whatever `docker context use` says meanwhile.
  if (!endpoint.context.empty()) engine.client_env.push_back({"DOCKER_CONTEXT", endpoint.context});
}

}  // namespace

plan::Engine find_engine(const core::Settings& settings, const core::Environment& environment) {
  plan::EnginePrograms found;
  for (const auto* kind : plan::all_traits()) {
    const std::string name(kind->name);
    if (auto program = host::find_program(name, environment)) found.on_path.emplace(name, std::move(*program));
  }
  if (settings.runtime && host::is_executable_file(settings.runtime->value)) {
    std::string reason;
    found.named = settings.runtime->value.starts_with('/')
                      ? settings.runtime->value
                      : host::canonical(".", reason) + "/" + settings.runtime->value;
  }
  const bool root = ::geteuid() == 0;
  auto engine = plan::choose_engine(settings.runtime, found, root);
  if (const auto other = plan::traits_of(engine).stands_for; !other.empty() && is_really(engine.program, other))
    engine = *plan::engine_named(other, engine.program, root);
  if (const auto* variable = plan::traits_of(engine).quiet; variable != nullptr && !environment.all().contains(variable))
    engine.client_env.push_back({variable, "1"});
  if (const auto endpoint = plan::engine_endpoint(engine, endpoint_facts(environment))) use_endpoint(engine, *endpoint);
  if (plan::is_service_of_root(environment.get("CONTAINER_HOST").value_or(""))) engine.rootless = false;
  if (engine.rootless) {
    if (const auto cgroup = host::user_cgroup(::geteuid()))
      engine.limits = plan::limit_support({cgroup->unified, cgroup->controllers});
  }
  engine.selinux = engine.reach.facts && host::selinux_enforces();
  return engine;
}

plan::Engine use_engine(const core::Settings& settings, const core::Environment& environment) {
  auto engine = find_engine(settings, environment);
  for (const auto& variable : engine.client_env) ::setenv(variable.name.c_str(), variable.value.c_str(), 1);
  return engine;
}

}  // namespace jailed::engine
