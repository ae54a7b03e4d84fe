#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <string_view>

namespace jailed::plan {
namespace {

using core::Error;
using core::printable;
using nlohmann::json;

// A value of containers.conf: what stands in quotes, or a bare word before a comment.
std::string conf_text(std::string_view value) {
  if (value.starts_with('"') || value.starts_with('\'')) {
    const auto end = value.find(value.front(), 1);
    return std::string(value.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return std::string(core::trimmed(value.substr(0, value.find('#'))));
}

// `key` of [section], in as much of TOML as podman itself writes and its manual shows; the last one counts.
std::string conf_value(const std::vector<std::string>& files, std::string_view section,
                       std::string_view key) {
  std::string found;
  for (const auto& file : files) {
    std::string here;
    for (const auto line : core::lines(file)) {
      const auto text = core::trimmed(line);
      if (text.starts_with('[')) {
        here.clear();
        for (const char c : text.substr(1, text.find(']') - 1)) {
          if (c != '"' && c != '\'' && c != ' ') here += c;
        }
      }
      const auto equals = text.find('=');
      if (here == section && equals != std::string_view::npos && core::trimmed(text.substr(0, equals)) == key)
        found = conf_text(core::trimmed(text.substr(equals + 1)));
    }
  }
  return found;
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
      object_at(object_at(parse_config(facts.podman_connections), "Connection"), "Connections"), name);
  auto address = string_at(kept, "URI");
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

std::optional<Endpoint> podman_endpoint(const EndpointFacts& facts) {
  if (facts.container_host) return Endpoint{*facts.container_host, "CONTAINER_HOST", "unset CONTAINER_HOST"};
  if (facts.container_connection)
    return connection(facts, *facts.container_connection, "CONTAINER_CONNECTION",
                      "unset CONTAINER_CONNECTION");
  if (!facts.podman_is_client && conf_value(facts.containers_conf, "engine", "remote") != "true")
    return std::nullopt;
  auto name = string_at(object_at(parse_config(facts.podman_connections), "Connection"), "Default");
  if (name.empty()) name = conf_value(facts.containers_conf, "engine", "active_service");
  if (name.empty()) return std::nullopt;
  return connection(facts, name, fmt::format("Podman's default connection '{}'", printable(name)),
                    "remote = false under [engine] in containers.conf");
}

}  // namespace jailed::plan
