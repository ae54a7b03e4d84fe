#pragma once
#include <jailed/socket_proxy/decision.hpp>
#include <nlohmann/json.hpp>

namespace jailed::socket_proxy {

/// Each takes the parsed body of a call and gives the one that is sent on: known fields with values that can
/// do no harm outside of the container. Field names count as written (Go takes HOSTCONFIG for HostConfig:
/// such a name is not known here, so it is refused). Throws BodyRefused (fields.hpp).
nlohmann::json container_body(const nlohmann::json& body, const Policy& policy, const Owned& owned);
nlohmann::json network_body(const nlohmann::json& body, const Policy& policy);
nlohmann::json connect_body(const nlohmann::json& body, const Owned& owned);
nlohmann::json disconnect_body(const nlohmann::json& body, const Owned& owned);
nlohmann::json volume_body(const nlohmann::json& body, const Policy& policy);
nlohmann::json exec_body(const nlohmann::json& body);
nlohmann::json exec_start_body(const nlohmann::json& body);

}  // namespace jailed::socket_proxy
