#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/settings/toml.hpp>
#include <string_view>

namespace jailed::plan {
namespace {

using core::Error;
using core::printable;
using nlohmann::json;

// The last file beats the others, key by key. One that is no TOML says nothing here: podman itself refuses it.
json containers_conf(const std::vector<std::string>& files) {
  auto all = json::object();
  for (const auto& file : files) {
    if (const auto conf = parse_toml(file); conf.is_object()) all.merge_patch(conf);
  }
  return all;
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
Endpoint connection(const EndpointFacts& facts, const json& engine_conf, const std::string& name, std::string named_by,
                    std::string way_back) {
  const auto kept = object_at(
      object_at(object_at(parse_config(facts.podman_connections), "Connection"), "Connections"), name);
  auto address = string_at(kept, "URI");
  bool machine = kept.value("IsMachine", json()) == json(true);
  if (address.empty()) {
    const auto destination = object_at(object_at(engine_conf, "service_destinations"), name);
    address = string_at(destination, "uri");
    machine = destination.value("is_machine", json()) == json(true);
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
  const auto engine_conf = object_at(containers_conf(facts.containers_conf), "engine");
  if (facts.container_connection)
    return connection(facts, engine_conf, *facts.container_connection, "CONTAINER_CONNECTION",
                      "unset CONTAINER_CONNECTION");
  if (!facts.podman_is_client && engine_conf.value("remote", json()) != json(true))
    return std::nullopt;
  auto name = string_at(object_at(parse_config(facts.podman_connections), "Connection"), "Default");
  if (name.empty()) name = string_at(engine_conf, "active_service");
  if (name.empty()) return std::nullopt;
  return connection(facts, engine_conf, name, fmt::format("Podman's default connection '{}'", printable(name)),
                    "remote = false under [engine] in containers.conf");
}

}  // namespace jailed::plan
