#pragma once
#include <jailed/core/settings.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

enum class EngineKind { docker, podman };

/// Which limits an engine can make hold on this machine.
struct LimitSupport {
  bool memory = true, pids = true, cpus = true;
  bool operator==(const LimitSupport&) const = default;
};

/// The container engine that was chosen, and what it can do here.
struct Engine {
  EngineKind kind = EngineKind::docker;
  std::string program;    // absolute path
  bool rootless = false;  // podman of a user that is not root
  LimitSupport limits = {};
  bool selinux = false;  // the kernel enforces SELinux, see plan/selinux.hpp
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

/// Whether CONTAINER_HOST names root's podman on this machine, which refuses keep-id.
bool is_service_of_root(std::string_view container_host);

/// Whether a script only hands its arguments on to podman, as the `docker` of the package podman-docker does.
bool hands_on_to_podman(std::string_view script);

}  // namespace jailed::plan
