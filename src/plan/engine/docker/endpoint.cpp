#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/engine/kinds.hpp>

namespace jailed::plan {
namespace {

using core::Error;
using core::printable;

Endpoint context_endpoint(const EndpointFacts& facts, const std::string& name) {
  for (const auto& text : facts.docker_contexts) {
    const auto context = parse_config(text);
    if (string_at(context, "Name") != name) continue;
    return {.address = string_at(object_at(object_at(context, "Endpoints"), "docker"), "Host"),
            .named_by = fmt::format("The docker context '{}'", printable(name)),
            .way_back = "docker context use default",
            .context = name};
  }
  throw Error(fmt::format("The docker context '{}' is not there.", printable(name)),
              "see: docker context ls    take the default: docker context use default");
}

}  // namespace

std::optional<Endpoint> docker_endpoint(const EndpointFacts& facts) {
  if (facts.docker_host) return Endpoint{*facts.docker_host, "DOCKER_HOST", "unset DOCKER_HOST"};
  if (facts.docker_context) {
    if (*facts.docker_context == "default") return std::nullopt;
    auto endpoint = context_endpoint(facts, *facts.docker_context);
    endpoint.way_back = "unset DOCKER_CONTEXT";
    return endpoint;
  }
  const auto context = string_at(parse_config(facts.docker_config), "currentContext");
  if (context.empty() || context == "default") return std::nullopt;
  return context_endpoint(facts, context);
}

void check_docker_caller(const EndpointFacts& facts) {
  if (facts.uid == 0) return;
  const auto endpoint = docker_endpoint(facts);
  if (!endpoint || !endpoint->address.starts_with(kUnixScheme)) return;
  const auto path = endpoint->address.substr(kUnixScheme.size());
  if (path.ends_with("/podman.sock")) {
    throw Error(
        fmt::format("{} points docker's client at podman's socket, {}.", endpoint->named_by, printable(path)),
        "use podman itself: jailed --runtime podman");
  }
  if (path != facts.runtime_dir.value_or("") + "/docker.sock" &&
      path != fmt::format("/run/user/{}/docker.sock", facts.uid))
    return;
  throw Error(
      fmt::format(
          "The Docker at {} is rootless: in its containers only root is you, and no jail runs as root.",
          printable(path)),
      fmt::format("use rootless podman, in whose jails you are yourself: jailed --runtime podman\n"
                  "or the system's Docker: {}",
                  endpoint->named_by == "DOCKER_HOST" ? "DOCKER_HOST=unix:///var/run/docker.sock"
                                                      : endpoint->way_back));
}

}  // namespace jailed::plan
