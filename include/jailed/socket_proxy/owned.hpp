#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::socket_proxy {

/// What this jail made, and nothing else is this jail's to use. References are resolved here to whole ids, so
/// that the engine has nothing left to guess: a name of ours can look like the id of another's container.
class Owned {
 public:
  void add_container(const std::string& id, const std::string& name) { add(containers_, id, name); }
  void add_network(const std::string& id, const std::string& name) { add(networks_, id, name); }
  void add_volume(const std::string& name) { volumes_.insert(name); }
  void add_exec(const std::string& id) { execs_.insert(id); }
  void remove_container(const std::string& id) { containers_.erase(id); }
  void remove_network(const std::string& id) { networks_.erase(id); }
  void remove_volume(const std::string& name) { volumes_.erase(name); }

  /// A whole id, a name, or the beginning of an id that only one has: the whole id.
  std::optional<std::string> container(std::string_view reference) const {
    return find(containers_, reference);
  }
  std::optional<std::string> network(std::string_view reference) const { return find(networks_, reference); }
  bool has_volume(const std::string& name) const { return volumes_.contains(name); }
  bool has_exec(const std::string& id) const { return execs_.contains(id); }
  std::vector<std::string> container_ids() const { return ids_of(containers_); }
  std::vector<std::string> network_ids() const { return ids_of(networks_); }
  std::vector<std::string> volume_names() const { return {volumes_.begin(), volumes_.end()}; }
  /// With those that are asked for at this moment.
  std::size_t containers() const { return containers_.size() + coming_containers; }
  std::size_t networks() const { return networks_.size() + coming_networks; }
  std::size_t volumes() const { return volumes_.size() + coming_volumes; }

  std::size_t coming_containers = 0;
  std::size_t coming_networks = 0;
  std::size_t coming_volumes = 0;

 private:
  using Names = std::map<std::string, std::string>;  // id -> name
  static void add(Names& names, const std::string& id, const std::string& name);
  static std::vector<std::string> ids_of(const Names& names);
  static std::optional<std::string> find(const Names& names, std::string_view reference);

  Names containers_;
  Names networks_;
  std::set<std::string> volumes_;
  std::set<std::string> execs_;
};

}  // namespace jailed::socket_proxy
