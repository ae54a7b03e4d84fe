#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <sstream>

namespace jailed::plan {
namespace {

Engine engine(EngineKind kind, std::string program, bool caller_is_root) {
  return {kind, std::move(program), kind == EngineKind::podman && !caller_is_root};
}

std::string how_to_install(std::string_view name) {
  return fmt::format(
      "Debian, Ubuntu: sudo apt install {0}    Fedora: sudo dnf install {1}    macOS: brew install {2}",
      name == "docker" ? "docker.io" : "podman", name == "docker" ? "moby-engine" : "podman",
      name == "docker" ? "--cask docker" : "podman");
}

}  // namespace

std::string engine_key(const Engine& engine) {
  const std::string kind = engine.kind == EngineKind::docker ? "docker" : "podman";
  return engine.endpoint.empty() ? kind : kind + " " + engine.endpoint;
}

Engine choose_engine(const std::optional<core::Named>& named, const EnginePrograms& found,
                     bool caller_is_root) {
  if (!named) {
    if (found.podman) return engine(EngineKind::podman, *found.podman, caller_is_root);
    if (found.docker) return engine(EngineKind::docker, *found.docker, caller_is_root);
    throw core::Error("Neither 'docker' nor 'podman' found in PATH.", how_to_install("podman"));
  }
  const auto name = core::printable(named->value);
  if (named->value.find('/') != std::string::npos) {
    const auto base = named->value.substr(named->value.rfind('/') + 1);
    if (base != "docker" && base != "podman") {
      throw core::UsageError(fmt::format("{}: '{}' is neither a docker nor a podman.", named->set_by, name),
                             "name docker, podman, or a path to one");
    }
    if (!found.named) {
      throw core::Error(fmt::format("'{}' is not an executable file (asked for by {}).", name, named->set_by),
                        fmt::format("unset {}, or name docker or podman", named->set_by));
    }
    return engine(base == "podman" ? EngineKind::podman : EngineKind::docker, *found.named, caller_is_root);
  }
  if (named->value != "docker" && named->value != "podman") {
    throw core::UsageError(fmt::format("{}: unknown container runtime '{}'.", named->set_by, name),
                           "name docker, podman, or a path to one");
  }
  const bool podman = named->value == "podman";
  const auto& program = podman ? found.podman : found.docker;
  if (!program) {
    throw core::Error(fmt::format("'{}' not found in PATH (asked for by {}).", name, named->set_by),
                      how_to_install(named->value));
  }
  return engine(podman ? EngineKind::podman : EngineKind::docker, *program, caller_is_root);
}

bool is_service_of_root(std::string_view container_host) {
  return container_host.starts_with("unix:///run/podman/") ||
         container_host.starts_with("unix:///var/run/podman/");
}

bool hands_on_to_podman(std::string_view script) {
  if (!script.starts_with("#!")) return false;
  std::istringstream lines{std::string(script)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string program;
    words >> program;
    if (program == "exec") words >> program;
    if (program.substr(program.rfind('/') + 1) == "podman" && line.ends_with(R"("$@")")) return true;
  }
  return false;
}

}  // namespace jailed::plan
