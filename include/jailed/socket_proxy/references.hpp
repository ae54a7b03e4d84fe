#pragma once
#include <jailed/socket_proxy/owned.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

/// What a body names, as it is sent on: by whole ids, so that the engine has nothing left to guess. Each throws BodyRefused
/// for what this jail did not make.
namespace jailed::socket_proxy {

/// The whole id of a network of this jail, or one of the engine's own that is nobody's.
std::string network_reference(const std::string& name, const Owned& owned, std::string_view where);

/// HostConfig.NetworkMode: a network, or the one of a container.
std::string network_mode(const std::string& mode, const Owned& owned);

/// HostConfig.VolumesFrom.
nlohmann::json volumes_from(const nlohmann::json& given, const Owned& owned);

/// The body's "Container".
std::string own_container(const nlohmann::json& body, const Owned& owned);

}  // namespace jailed::socket_proxy
