#include <jailed/socket_proxy/owned.hpp>

namespace jailed::socket_proxy {

void Owned::add(Names& names, const std::string& id, const std::string& name) {
  // A name is free again when its container went by itself (AutoRemove): the newest has it.
  for (auto& [other, taken] : names) {
    if (!name.empty() && taken == name) taken.clear();
  }
  names[id] = name;
}

std::vector<std::string> Owned::ids_of(const Names& names) {
  std::vector<std::string> ids;
  for (const auto& [id, name] : names) ids.push_back(id);
  return ids;
}

std::optional<std::string> Owned::find(const Names& names, std::string_view reference) {
  static constexpr std::size_t kShortestPrefix = 4;
  if (reference.starts_with('/')) reference.remove_prefix(1);
  if (reference.empty()) return std::nullopt;
  if (names.contains(std::string(reference))) return std::string(reference);
  for (const auto& [id, name] : names) {
    if (name == reference) return id;
  }
  std::optional<std::string> found;
  if (reference.size() < kShortestPrefix) return found;
  for (const auto& [id, name] : names) {
    if (!id.starts_with(reference)) continue;
    if (found) return std::nullopt;
    found = id;
  }
  return found;
}

}  // namespace jailed::socket_proxy
