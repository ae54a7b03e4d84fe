#pragma once
#include <jailed/core/settings.hpp>
#include <optional>
#include <string>

namespace jailed::plan {

enum class EngineKind { docker, podman };

/// The container engine that was chosen.
struct Engine {
  EngineKind kind = EngineKind::docker;
  std::string program;    // absolute path
  bool rootless = false;  // podman run by a user that is not root
  bool operator==(const Engine&) const = default;
};

/// Programs found on PATH, and whether a program that was named by path can be run.
struct EnginePrograms {
  std::optional<std::string> docker;
  std::optional<std::string> podman;
  std::optional<std::string> named;  // the path in `--runtime /path/to/podman`, when it is executable
};

/// `--runtime`, JAILED_RUNTIME, podman, docker: the first that is there. Throws Error when a named one is
/// missing or unknown, saying who named it, or when there is none at all.
Engine choose_engine(const std::optional<core::Named>& named, const EnginePrograms& found,
                     bool caller_is_root);

}  // namespace jailed::plan
