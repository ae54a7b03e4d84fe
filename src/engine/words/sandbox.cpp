#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/engine/words/sandbox.hpp>

namespace jailed::engine {

std::optional<Failure> recognise_sandbox_failure(const plan::Engine& engine, std::string_view text,
                                                 const std::optional<core::Named>& sandbox) {
  const auto has = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
  const bool docker = engine.kind == plan::EngineKind::docker;
  const auto* name = docker ? "Docker" : "Podman";
  if (!sandbox) {
    if (!has("mount submount \"/etc/jailed/lease\"")) return std::nullopt;
    return Failure{Failure::Kind::other,
                   fmt::format("{}'s default OCI runtime has a kernel of its own, which cannot share jailed's lease.", name),
                   "name the runtime, and another way is taken: --sandbox runsc"};
  }
  const bool unknown = docker ? has("Unknown runtime specified") || has("unknown or invalid runtime name")
                              : has("OCI runtime \"") && has("not found");
  if (!unknown) return std::nullopt;
  return Failure{
      Failure::Kind::other,
      fmt::format("{} knows no OCI runtime '{}' (asked for by {}).", name, core::printable(sandbox->value), sandbox->set_by),
      docker ? "see what it knows: docker info --format '{{json .Runtimes}}'\n"
               "add one: \"runtimes\" in /etc/docker/daemon.json, then: sudo systemctl reload docker"
             : "install it, or add it below [engine.runtimes] in containers.conf\n"
               "see the one that is used: podman info --format '{{.Host.OCIRuntime.Path}}'"};
}

}  // namespace jailed::engine
