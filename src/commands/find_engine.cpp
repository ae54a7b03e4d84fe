#include <unistd.h>

#include <jailed/commands/find_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/kernel.hpp>
#include <jailed/host/process.hpp>
#include <jailed/plan/limits.hpp>

namespace jailed::commands {
namespace {

// podman-docker's `docker` is a script or a link.
bool is_podman(const std::string& program) {
  std::string ignored;
  if (host::canonical(program, ignored).ends_with("/podman")) return true;
  return plan::hands_on_to_podman(host::read_beginning(program, 4096));
}

}  // namespace

plan::Engine find_engine(const core::Settings& settings, const core::Environment& environment) {
  plan::EnginePrograms found{
      host::find_program("docker", environment), host::find_program("podman", environment), {}};
  if (settings.runtime && host::is_executable_file(settings.runtime->value)) {
    std::string reason;
    found.named = settings.runtime->value.starts_with('/')
                      ? settings.runtime->value
                      : host::canonical(".", reason) + "/" + settings.runtime->value;
  }
  const bool root = ::geteuid() == 0;
  auto engine = plan::choose_engine(settings.runtime, found, root);
  if (engine.kind == plan::EngineKind::docker && is_podman(engine.program))
    engine = {plan::EngineKind::podman, engine.program, !root};
  if (plan::is_service_of_root(environment.get("CONTAINER_HOST").value_or(""))) engine.rootless = false;
  if (engine.rootless) {
    if (const auto cgroup = host::user_cgroup(::geteuid()))
      engine.limits = plan::limit_support({cgroup->unified, cgroup->controllers});
  }
  engine.selinux = host::selinux_enforces();
  return engine;
}

}  // namespace jailed::commands
