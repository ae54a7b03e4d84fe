#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/plan/engine/kinds.hpp>

namespace jailed::plan {
namespace {

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

}  // namespace

std::optional<Failure> docker_service_failure(std::string_view said, std::string_view text) {
  const auto has = [&](std::string_view words) { return said.find(words) != std::string_view::npos; };
  if (has("permission denied") && (has("docker daemon socket") || has("docker api") || has("dial unix"))) {
    return Failure{Failure::Kind::permission_denied,
                   "Docker is there, but you may not use it: permission denied on its socket.", kDockerGroup};
  }
  if (has("cannot connect to the docker daemon") || has("error during connect") ||
      has("failed to connect to the docker api")) {
    return Failure{Failure::Kind::daemon_down, "Docker is installed, but its daemon does not answer.",
                   kStartDocker + asked_at(text)};
  }
  return std::nullopt;
}

}  // namespace jailed::plan
