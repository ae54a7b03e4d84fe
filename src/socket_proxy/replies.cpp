#include <array>
#include <jailed/socket_proxy/replies.hpp>
#include <nlohmann/json.hpp>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;
using std::string_view;

// Of /info what libraries look at; the rest describes the host and its other containers.
json visible_info(const json& info) {
  static constexpr std::array<const char*, 16> keys = {
      "ServerVersion", "OperatingSystem", "OSType",        "OSVersion",       "Architecture",
      "NCPU",          "MemTotal",        "KernelVersion", "Driver",          "CgroupDriver",
      "CgroupVersion", "DefaultRuntime",  "MemoryLimit",   "SecurityOptions", "IndexServerAddress",
      "Labels"};
  json visible = json::object();
  for (const auto* key : keys) {
    if (info.contains(key)) visible[key] = info[key];
  }
  return visible;
}

template <typename Keep>
json kept_of(const json& list, const Keep& keep) {
  json kept = json::array();
  for (const auto& entry : list) {
    if (entry.is_object() && keep(entry)) kept.push_back(entry);
  }
  return kept;
}

bool has_whole_id(const json& entry, const Owned& owned,
                  std::optional<std::string> (Owned::*find)(string_view) const) {
  const auto id = entry.value("Id", "");
  return !id.empty() && (owned.*find)(id) == id;
}

}  // namespace

std::optional<std::string> filter_reply(Reply reply, const std::string& body, const Owned& owned) {
  auto value = json::parse(body, nullptr, false);
  if (reply == Reply::info && value.is_object()) return visible_info(value).dump();
  if (reply == Reply::container_list && value.is_array())
    return kept_of(value, [&](const json& entry) { return has_whole_id(entry, owned, &Owned::container); })
        .dump();
  if (reply == Reply::network_list && value.is_array())
    return kept_of(value, [&](const json& entry) { return has_whole_id(entry, owned, &Owned::network); })
        .dump();
  if (reply == Reply::volume_list && value.is_object()) {
    const auto volumes = value.value("Volumes", json::array());
    value["Volumes"] =
        kept_of(volumes, [&](const json& entry) { return owned.has_volume(entry.value("Name", "")); });
    return value.dump();
  }
  return std::nullopt;
}

}  // namespace jailed::socket_proxy
