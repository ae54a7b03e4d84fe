#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/command.hpp>
#include <jailed/engine/words/failure.hpp>
#include <jailed/engine/words/podman.hpp>
#include <jailed/plan/engine/endpoint.hpp>

namespace jailed::engine {
namespace {

using Kind = Failure::Kind;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

constexpr const char* kStartDocker =
    "Linux: sudo systemctl start docker    macOS, Windows: start Docker Desktop\n"
    "or use podman, which needs no daemon: jailed --runtime podman";
constexpr const char* kDockerGroup =
    "join the group and log in anew: sudo usermod -aG docker \"$USER\"\n"
    "or use rootless podman: jailed --runtime podman";

// A line with the address that the client named; empty when it named none.
std::string asked_at(std::string_view text) {
  for (const std::string_view scheme : {"unix://", "tcp://", "ssh://"}) {
    const auto at = text.find(scheme);
    if (at == std::string_view::npos) continue;
    auto address = text.substr(at, text.substr(at).find_first_of(" \n\"'"));
    while (address.ends_with('.') || address.ends_with(':')) address.remove_suffix(1);
    return fmt::format("\nit was looked for at {} (DOCKER_HOST or the docker context may say so)",
                       core::printable(address));
  }
  return {};
}

// What stands in the way is in the client's own words: a name, a port, ssh's keys.
Failure remote_is_silent(const plan::Engine& engine, std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return {Kind::daemon_down,
          fmt::format("The engine at {} does not answer: {}", plan::shown_address(engine.endpoint),
                      core::printable(std::string(text.substr(text.rfind('\n') + 1)))),
          engine.kind == plan::EngineKind::docker
              ? "see whether it is there: docker version\n"
                "DOCKER_HOST, DOCKER_CONTEXT or `docker context use` names it; unset, jailed takes the one of this machine"
              : "see whether it is there: podman --remote version\n"
                "CONTAINER_HOST, CONTAINER_CONNECTION or podman's default connection names it; unset, jailed takes this machine's podman"};
}

std::optional<Failure> recognise_here(const plan::Engine& engine, std::string_view text, const std::string& image) {
  const auto said = lower(text);
  const auto has = [&](std::string_view words) { return said.find(words) != std::string::npos; };
  const bool docker = engine.kind == plan::EngineKind::docker;
  if (says_engine_is_gone(text)) {
    return Failure{Kind::engine_gone,
                   fmt::format("{} went away while the jail ran, and the jail ended with it.",
                               docker ? "Docker's daemon" : "Podman's service"),
                   "what it did to the project stays; when the engine is back, start it anew"};
  }
  // First: without its user's ids podman looks elsewhere for its images, and misses them.
  if (!docker) {
    if (auto failure = recognise_podman_failure(said)) return failure;
  }
  if (has("no such image") || has("image not known") || has("unable to find image")) {
    return Failure{Kind::image_missing, fmt::format("Image '{}' not found.", image), "run: jailed build"};
  }
  if (docker && has("permission denied") &&
      (has("docker daemon socket") || has("docker api") || has("dial unix"))) {
    return Failure{Kind::permission_denied,
                   "Docker is there, but you may not use it: permission denied on its socket.", kDockerGroup};
  }
  if (docker && (has("cannot connect to the docker daemon") || has("error during connect") ||
                 has("failed to connect to the docker api"))) {
    return Failure{Kind::daemon_down, "Docker is installed, but its daemon does not answer.",
                   kStartDocker + asked_at(text)};
  }
  if (has("no space left on device")) {
    return Failure{Kind::disk_full, "The engine has no space left on its disk.",
                   fmt::format("see what takes it: {0} system df    free some: {0} system prune",
                               docker ? "docker" : "podman")};
  }
  // Python's, curl's and Go's, Node's words.
  if (has("certificate verify failed") || has("certificate_verify_failed") || has("unable to get local issuer certificate") ||
      has("certificate signed by unknown authority") || has("self_signed_cert_in_chain")) {
    return Failure{Kind::certificate, "The build did not believe the certificate of a server: there may be a proxy with one of its own.",
                   "run: jailed build --ca-cert FILE    (a file in PEM with the proxy's certificate)"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> recognise_failure(const plan::Engine& engine, std::string_view text,
                                         const std::string& image) {
  const auto failure = recognise_here(engine, text, image);
  return failure && failure->kind == Kind::daemon_down && engine.remote ? remote_is_silent(engine, text) : failure;
}

bool says_engine_is_gone(std::string_view text) {
  return lower(text).find("error waiting for container") != std::string::npos;
}

bool says_container_is_gone(std::string_view text) {
  const auto said = lower(text);
  for (const auto* words : {"no such container", "no such object", "is not running", "container state improper"}) {
    if (said.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace jailed::engine
