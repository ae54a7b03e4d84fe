#pragma once
#include <jailed/socket_proxy/decision.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace jailed::socket_proxy {

/// Why a body is refused.
struct BodyRefused {
  std::string reason;
};

/// Each takes the parsed body of a call and gives the one that is sent on: known fields with values that can
/// do no harm outside of the container. Field names count as written (Go takes HOSTCONFIG for HostConfig:
/// such a name is not known here, so it is refused). Throws BodyRefused.
nlohmann::json container_body(const nlohmann::json& body, const Policy& policy, const Owned& owned);
nlohmann::json network_body(const nlohmann::json& body, const Policy& policy);
nlohmann::json connect_body(const nlohmann::json& body, const Owned& owned);
nlohmann::json disconnect_body(const nlohmann::json& body, const Owned& owned);
nlohmann::json volume_body(const nlohmann::json& body, const Policy& policy);
nlohmann::json exec_body(const nlohmann::json& body);
nlohmann::json exec_start_body(const nlohmann::json& body);

/// A reference to an image in a registry or in the engine's storage. podman would read "dir:/etc" and the
/// like as a file of the host.
bool is_image(std::string_view text);

/// A name as engines allow it for containers, networks and volumes.
bool is_name(std::string_view text);

/// One that jailed gives to jails, their volumes and networks: nobody else may take it, or be taken for one of them.
bool is_jails_name(std::string_view text);

}  // namespace jailed::socket_proxy
