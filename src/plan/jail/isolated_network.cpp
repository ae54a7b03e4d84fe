#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {
namespace {

constexpr const char* kDockersName = "jailed-isolated";
constexpr const char* kPodmansName = "slirp4netns";

}  // namespace

std::string isolated_network(const Engine& engine) {
  if (engine.kind == EngineKind::docker) return kDockersName;
  return engine.rootless ? "" : kPodmansName;
}

bool can_be_isolated(const core::Settings& settings) {
  return settings.isolated && settings.testcontainers == core::Testcontainers::off && on_host_kernel(settings.sandbox);
}

bool lacks_isolated_network(const Engine& engine, std::string_view error) {
  const auto has = [&](std::string_view words) { return error.find(words) != std::string_view::npos; };
  if (engine.kind == EngineKind::docker) return has(kDockersName) && has("not found");
  return !engine.rootless && has(kPodmansName);
}

core::Command create_isolated_network_command(const Engine& engine) {
  return {engine.program,
          {"network", "create", "--label", "jailed.network=isolated", "--opt", "com.docker.network.bridge.enable_icc=false", kDockersName},
          {}};
}

core::Command look_for_isolation_command(const Engine& engine) {
  if (engine.kind == EngineKind::podman) return {engine.program, {"info", "--format", "{{.Host.Slirp4NetNS.Executable}}"}, {}};
  return {engine.program, {"network", "inspect", "--format", "{{.Id}}", kDockersName}, {}};
}

}  // namespace jailed::plan
