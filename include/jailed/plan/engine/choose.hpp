#pragma once
#include <cstdint>
#include <functional>
#include <jailed/core/command.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/reach.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Of which kind an engine is; what that means, its row of plan::Traits alone knows.
enum class EngineKind { docker, podman };

/// Which limits an engine can make hold on this machine.
struct LimitSupport {
  bool memory = true, pids = true, cpus = true;
  bool operator==(const LimitSupport&) const = default;
};

/// What is asked of an engine's machine when it is another one.
struct RemoteMachine {
  std::uint64_t memory = 0;  // bytes
  std::string architecture;  // as Go spells it: amd64, arm64
  bool operator==(const RemoteMachine&) const = default;
};

/// The container engine that was chosen, and what it can do here.
struct Engine {
  EngineKind kind = EngineKind::docker;
  std::string program;    // absolute path
  bool rootless = false;  // podman of a user that is not root
  LimitSupport limits = {};
  bool selinux = false;  // the kernel enforces SELinux, see plan/jail/selinux.hpp
  std::string endpoint = {};  // the address that somebody named; empty: the usual one
  Reach reach = kHere;        // and where that is
  std::string asked_from = {};  // on another machine: by what it tells this machine's jails from those of other machines
  std::optional<RemoteMachine> machine = std::nullopt;  // that one, once it was asked
  std::vector<core::EnvVar> client_env = {};  // what every client of it has to be told (engine::use_engine)
  bool operator==(const Engine&) const = default;
};

/// By what a session remembers its engine: kind and address.
std::string engine_key(const Engine& engine);

/// Programs found on PATH, and whether a program that was named by path can be run.
struct EnginePrograms {
  std::map<std::string, std::string, std::less<>> on_path;  // by the name of the kind
  std::optional<std::string> named;  // the path in `--runtime /path/to/podman`, when it is executable
};

/// `--runtime`, JAILED_RUNTIME, podman, docker: the first that is there. Throws Error when a named one is
/// missing or unknown, saying who named it, or when there is none at all.
Engine choose_engine(const std::optional<core::Named>& named, const EnginePrograms& found,
                     bool caller_is_root);

/// Whether CONTAINER_HOST names root's podman on this machine, which refuses keep-id.
bool is_service_of_root(std::string_view container_host);

/// Whether a script only hands its arguments on to this program, as the `docker` of the package podman-docker does to podman.
bool hands_on_to(std::string_view script, std::string_view program);

}  // namespace jailed::plan
