#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace jailed::plan {
namespace {

using core::Error;
using core::printable;
using nlohmann::json;

constexpr std::string_view kUnix = "unix://";

json parse_object(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  return value.is_object() ? value : json::object();
}

json object_at(const json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

std::string text_at(const json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// A value of containers.conf: what stands in quotes, or a bare word before a comment.
std::string conf_text(std::string_view value) {
  if (value.starts_with('"') || value.starts_with('\'')) {
    const auto end = value.find(value.front(), 1);
    return std::string(value.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return std::string(without_blanks(value.substr(0, value.find('#'))));
}

// `key` of [section], in as much of TOML as podman itself writes and its manual shows; the last one counts.
std::string conf_value(const std::vector<std::string>& files, std::string_view section,
                       std::string_view key) {
  std::string found;
  for (const auto& file : files) {
    std::istringstream lines(file);
    std::string here;
    for (std::string line; std::getline(lines, line);) {
      const auto text = without_blanks(line);
      if (text.starts_with('[')) {
        here.clear();
        for (const char c : text.substr(1, text.find(']') - 1)) {
          if (c != '"' && c != '\'' && c != ' ') here += c;
        }
      }
      const auto equals = text.find('=');
      if (here == section && equals != std::string_view::npos && without_blanks(text.substr(0, equals)) == key)
        found = conf_text(without_blanks(text.substr(equals + 1)));
    }
  }
  return found;
}

Endpoint context_endpoint(const EndpointFacts& facts, const std::string& name) {
  for (const auto& text : facts.docker_contexts) {
    const auto context = parse_object(text);
    if (text_at(context, "Name") != name) continue;
    return {.address = text_at(object_at(object_at(context, "Endpoints"), "docker"), "Host"),
            .named_by = fmt::format("The docker context '{}'", printable(name)),
            .way_back = "docker context use default",
            .context = name};
  }
  throw Error(fmt::format("The docker context '{}' is not there.", printable(name)),
              "see: docker context ls    take the default: docker context use default");
}

bool is_loopback(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme == std::string_view::npos) return false;
  auto host = address.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

// By name; podman 5 keeps connections in a file of its own, older ones in containers.conf.
Endpoint connection(const EndpointFacts& facts, const std::string& name, std::string named_by,
                    std::string way_back) {
  const auto kept = object_at(
      object_at(object_at(parse_object(facts.podman_connections), "Connection"), "Connections"), name);
  auto address = text_at(kept, "URI");
  bool machine = kept.value("IsMachine", json()) == json(true);
  if (address.empty()) {
    const auto section = "engine.service_destinations." + name;
    address = conf_value(facts.containers_conf, section, "uri");
    machine = conf_value(facts.containers_conf, section, "is_machine") == "true";
  }
  if (address.empty()) {
    throw Error(fmt::format("The podman connection '{}' is not there.", printable(name)),
                "see: podman system connection list");
  }
  machine = facts.podman_is_client && (machine || is_loopback(address));
  return {std::move(address), std::move(named_by), std::move(way_back), machine};
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
  const auto context = text_at(parse_object(facts.docker_config), "currentContext");
  if (context.empty() || context == "default") return std::nullopt;
  return context_endpoint(facts, context);
}

std::optional<Endpoint> podman_endpoint(const EndpointFacts& facts) {
  if (facts.container_host) return Endpoint{*facts.container_host, "CONTAINER_HOST", "unset CONTAINER_HOST"};
  if (facts.container_connection)
    return connection(facts, *facts.container_connection, "CONTAINER_CONNECTION",
                      "unset CONTAINER_CONNECTION");
  if (!facts.podman_is_client && conf_value(facts.containers_conf, "engine", "remote") != "true")
    return std::nullopt;
  auto name = text_at(object_at(parse_object(facts.podman_connections), "Connection"), "Default");
  if (name.empty()) name = conf_value(facts.containers_conf, "engine", "active_service");
  if (name.empty()) return std::nullopt;
  return connection(facts, name, fmt::format("Podman's default connection '{}'", printable(name)),
                    "remote = false under [engine] in containers.conf");
}

std::optional<Endpoint> engine_endpoint(EngineKind kind, const EndpointFacts& facts) {
  return kind == EngineKind::docker ? docker_endpoint(facts) : podman_endpoint(facts);
}

bool is_remote(const Endpoint& endpoint) { return !endpoint.machine && !endpoint.address.starts_with(kUnix); }

std::string shown_address(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme == std::string_view::npos) return printable(std::string(address));
  auto host = address.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  return printable(fmt::format("{}{}", address.substr(0, scheme + 3), host));
}

void check_caller_is_mapped(const Engine& engine, const EndpointFacts& facts) {
  if (engine.kind != EngineKind::docker || facts.uid == 0) return;
  const auto endpoint = docker_endpoint(facts);
  if (!endpoint || !endpoint->address.starts_with(kUnix)) return;
  const auto path = endpoint->address.substr(kUnix.size());
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
