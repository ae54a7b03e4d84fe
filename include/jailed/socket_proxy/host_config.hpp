#pragma once
#include <jailed/socket_proxy/decision.hpp>
#include <nlohmann/json.hpp>

namespace jailed::socket_proxy {

/// A container's HostConfig as it is sent on: what reaches beyond the container is refused, what it may use is held to the
/// policy. Throws BodyRefused.
nlohmann::json host_config(const nlohmann::json& given, const Policy& policy, const Owned& owned);

}  // namespace jailed::socket_proxy
