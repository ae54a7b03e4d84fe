#include <jailed/socket_proxy/fields.hpp>
#include <jailed/socket_proxy/references.hpp>
#include <jailed/socket_proxy/values.hpp>

namespace jailed::socket_proxy {

std::string network_reference(const std::string& name, const Owned& owned, std::string_view where) {
  if (name.empty() || name == "default" || name == "bridge" || name == "none") return name;
  if (const auto id = owned.network(name)) return *id;
  refuse(where, "", "names the host's network, or one that this jail did not make");
}

std::string network_mode(const std::string& mode, const Owned& owned) {
  static constexpr std::string_view kContainer = "container:";
  if (!mode.starts_with(kContainer)) return network_reference(mode, owned, "HostConfig.NetworkMode");
  if (const auto id = owned.container(mode.substr(kContainer.size()))) return std::string(kContainer) + *id;
  refuse("HostConfig.NetworkMode", "", "names a container that this jail did not make");
}

nlohmann::json volumes_from(const nlohmann::json& given, const Owned& owned) {
  nlohmann::json kept = nlohmann::json::array();
  for (const auto& entry : given) {
    const auto spec = entry.is_string() ? entry.get<std::string>() : std::string{};
    const auto colon = spec.find(':');
    const auto id = owned.container(spec.substr(0, colon));
    const auto mode = colon == std::string::npos ? std::string{} : spec.substr(colon + 1);
    if (!id || !value::is_one_of(nlohmann::json(mode), {"", "ro", "rw"}))
      refuse("HostConfig.VolumesFrom", "", "names a container that this jail did not make");
    kept.push_back(mode.empty() ? *id : *id + ":" + mode);
  }
  return kept;
}

std::string own_container(const nlohmann::json& body, const Owned& owned) {
  const auto name = body.contains("Container") && body["Container"].is_string()
                        ? body["Container"].get<std::string>()
                        : std::string{};
  if (const auto id = owned.container(name)) return *id;
  refuse("Container", "", "is not one that this jail made");
}

}  // namespace jailed::socket_proxy
