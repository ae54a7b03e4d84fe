#include <algorithm>
#include <array>
#include <jailed/core/text.hpp>
#include <jailed/socket_proxy/fields.hpp>
#include <jailed/socket_proxy/host_config.hpp>
#include <jailed/socket_proxy/names.hpp>
#include <jailed/socket_proxy/references.hpp>
#include <jailed/socket_proxy/values.hpp>
#include <string>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;
using std::string_view;

// A port of the host's own choice, or one that no system service has.
bool host_port(const json& value) {
  if (!value.is_string()) return false;
  const auto& port = value.get_ref<const std::string&>();
  return port.empty() || port == "0" ||
         (is_port(port) && port.find('/') == std::string::npos && std::stoi(port) >= 1024);
}
bool host_address(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find_first_not_of(
                                  "0123456789abcdefABCDEF.:") == std::string::npos;
}
constexpr std::array kBindingFields = {Field{"HostIp", host_address}, Field{"HostPort", host_port}};

bool binding(const json& value) { return object_with(value, kBindingFields); }
bool port_bindings(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [port, bindings] : value.items()) {
    if (!is_port(port) || !(bindings.is_null() || value::list_of<binding>(bindings))) return false;
  }
  return true;
}

bool restart_policy(const json& value) {
  // One that outlives a reboot would outlive the jail as well.
  static constexpr std::array fields = {Field{"Name",
                                              [](const json& name) {
                                                return value::is_one_of(name, {"", "no", "on-failure"});
                                              }},
                                        Field{"MaximumRetryCount", value::positive}};
  return object_with(value, fields);
}

bool log_limits(const json& value) {
  // podman's "path" is a file of the host.
  static constexpr std::array fields = {Field{"max-size", value::word}, Field{"max-file", value::word}};
  return object_with(value, fields);
}
bool log_config(const json& value) {
  static constexpr std::array fields = {Field{"Type",
                                              [](const json& type) {
                                                return value::is_one_of(type, {"", "json-file", "local", "none"});
                                              }},
                                        Field{"Config", log_limits}};
  return object_with(value, fields);
}

bool ulimit(const json& value) {
  static constexpr std::array fields = {Field{"Name", value::word}, Field{"Soft", value::number}, Field{"Hard", value::number}};
  return object_with(value, fields);
}
bool ulimits(const json& value) { return value::list_of<ulimit>(value); }

bool tmpfs_options(const json& value) {
  if (!value::text(value)) return false;
  for (const auto option : core::parts(value.get_ref<const std::string&>(), ',')) {
    const auto equals = option.find('=');
    const auto name = json(std::string(option.substr(0, equals)));
    const bool plain =
        equals == string_view::npos && value::is_one_of(name, {"rw", "ro", "exec", "noexec", "nosuid", "nodev"});
    const bool valued = equals != string_view::npos &&
                        value::is_one_of(name, {"size", "mode", "uid", "gid", "nr_inodes"}) &&
                        consists_of(option.substr(equals + 1), "%");
    if (!plain && !valued) return false;
  }
  return true;
}
bool tmpfs(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [path, options] : value.items()) {
    if (!is_container_path(path) || !tmpfs_options(options)) return false;
  }
  return true;
}

bool private_ipc(const json& value) { return value::is_one_of(value, {"", "private", "shareable", "none"}); }
bool private_cgroup(const json& value) { return value::is_one_of(value, {"", "private"}); }
bool no_new_privileges(const json& value) {
  return value::is_one_of(value, {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"});
}
bool hardening(const json& value) { return value::list_of<no_new_privileges>(value); }
bool numeric_groups(const json& value) { return value::list_of<value::digits>(value); }
bool host(const json& value) {
  return value::text(value) && consists_of(value.get_ref<const std::string&>(), "_.-:[]");
}
bool hosts(const json& value) { return value::list_of<host>(value); }
bool processors(const json& value) {
  return value.is_string() &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789,-") == std::string::npos;
}

// API 1.24 to 1.51. What is not here is refused, whatever its value.
constexpr std::array kHostFields = {
    Field{"AutoRemove", value::flag},
    Field{"Annotations", value::empty},  // runtimes obey them
    Field{"Binds", value::any_list},
    Field{"BlkioDeviceReadBps", value::empty},
    Field{"BlkioDeviceReadIOps", value::empty},
    Field{"BlkioDeviceWriteBps", value::empty},
    Field{"BlkioDeviceWriteIOps", value::empty},
    Field{"BlkioWeight", value::positive},
    Field{"BlkioWeightDevice", value::empty},
    Field{"CapAdd", value::empty},
    Field{"CapDrop", value::words},
    Field{"Capabilities", value::empty},
    Field{"Cgroup", value::empty},
    Field{"CgroupParent", value::empty},
    Field{"CgroupnsMode", private_cgroup},
    Field{"ConsoleSize", value::sizes},
    Field{"ContainerIDFile", value::empty},
    Field{"CpuCount", value::positive},
    Field{"CpuPercent", value::positive},
    Field{"CpuPeriod", value::positive},
    Field{"CpuQuota", value::number},
    Field{"CpuRealtimePeriod", value::empty},
    Field{"CpuRealtimeRuntime", value::empty},
    Field{"CpuShares", value::positive},
    Field{"CpusetCpus", processors},
    Field{"CpusetMems", processors},
    Field{"DeviceCgroupRules", value::empty},
    Field{"DeviceRequests", value::empty},
    Field{"Devices", value::empty},
    Field{"DiskQuota", value::empty},
    Field{"Dns", hosts},
    Field{"DnsOptions", hosts},
    Field{"DnsSearch", hosts},
    Field{"ExtraHosts", hosts},
    Field{"GroupAdd", numeric_groups},
    Field{"IOMaximumBandwidth", value::empty},
    Field{"IOMaximumIOps", value::empty},
    Field{"Init", value::flag},
    Field{"InitPath", value::empty},
    Field{"IpcMode", private_ipc},
    Field{"Isolation", value::default_isolation},
    Field{"KernelMemory", value::empty},
    Field{"KernelMemoryTCP", value::empty},
    Field{"Links", value::empty},
    Field{"LogConfig", log_config},
    Field{"MaskedPaths", value::absent},
    Field{"Memory", value::number},
    Field{"MemoryReservation", value::number},
    Field{"MemorySwap", value::number},
    Field{"MemorySwappiness", value::number},
    Field{"Mounts", value::any_list},
    Field{"NanoCPUs", value::positive},
    Field{"NanoCpus", value::positive},
    Field{"NetworkMode", value::text},
    Field{"OomKillDisable", value::off},
    Field{"OomScoreAdj", value::positive},
    Field{"PidMode", value::empty},
    Field{"PidsLimit", value::number},
    Field{"PortBindings", port_bindings},
    Field{"Privileged", value::off},
    Field{"PublishAllPorts", value::flag},
    Field{"ReadonlyPaths", value::absent},
    Field{"ReadonlyRootfs", value::flag},
    Field{"RestartPolicy", restart_policy},
    Field{"Runtime", value::empty},
    Field{"SecurityOpt", hardening},
    Field{"ShmSize", value::positive},
    Field{"StorageOpt", value::empty},
    Field{"Sysctls", value::empty},
    Field{"Tmpfs", tmpfs},
    Field{"UTSMode", value::empty},
    Field{"Ulimits", ulimits},
    Field{"UsernsMode", value::empty},
    Field{"VolumeDriver", value::local_driver},
    Field{"VolumesFrom", value::any_list},
};

constexpr std::array kMountFields = {
    Field{"Type", value::text},         Field{"Source", value::text},
    Field{"Target", value::text},       Field{"ReadOnly", value::flag},
    Field{"Consistency", value::empty}, Field{"VolumeOptions", value::any_object},
    Field{"BindOptions", value::empty}, Field{"TmpfsOptions", value::any_object},
};

void check_volume_bind(const json& bind, const Owned& owned) {
  if (!bind.is_string()) refuse("HostConfig.Binds", "", "has an entry that is no text");
  const auto& spec = bind.get_ref<const std::string&>();
  const auto colon = spec.find(':');
  const auto second = colon == std::string::npos ? colon : spec.find(':', colon + 1);
  const auto name = spec.substr(0, colon);
  if (colon == std::string::npos || !is_name(name))
    refuse("HostConfig.Binds", "", "mounts a path of the host; a jail may mount only volumes that it made");
  if (!owned.has_volume(name)) refuse("HostConfig.Binds", "", "names a volume that this jail did not make");
  if (!is_container_path(spec.substr(colon + 1, second == std::string::npos ? second : second - colon - 1)))
    refuse("HostConfig.Binds", "", "has no plain path in the container");
  if (second != std::string::npos && !value::is_one_of(json(spec.substr(second + 1)), {"ro", "rw", "nocopy"}))
    refuse("HostConfig.Binds", "", "has options that a jail may not set");
}

json mount(const json& given, const Owned& owned) {
  auto kept = known(given, kMountFields, "HostConfig.Mounts.");
  const auto type = kept.value("Type", "");
  if (type != "volume" && type != "tmpfs")
    refuse("HostConfig.Mounts", "", "has a mount that is neither a volume nor a tmpfs");
  if (!is_container_path(kept.value("Target", ""))) refuse("HostConfig.Mounts", "", "has no plain Target");
  if (const auto source = kept.value("Source", "");
      !source.empty() && (type == "tmpfs" || !owned.has_volume(source)))
    refuse("HostConfig.Mounts", "", "names a source that this jail did not make");
  if (kept.contains("VolumeOptions")) {
    // A driver's options can make a volume of any directory or device of the host.
    static constexpr std::array fields = {Field{"NoCopy", value::flag}, Field{"Labels", value::empty},
                                          Field{"DriverConfig", value::empty}, Field{"Subpath", value::empty}};
    kept["VolumeOptions"] = known(kept["VolumeOptions"], fields, "HostConfig.Mounts.VolumeOptions.");
  }
  if (kept.contains("TmpfsOptions")) {
    static constexpr std::array fields = {Field{"SizeBytes", value::positive}, Field{"Mode", value::positive},
                                          Field{"Options", value::empty}};
    kept["TmpfsOptions"] = known(kept["TmpfsOptions"], fields, "HostConfig.Mounts.TmpfsOptions.");
  }
  return kept;
}

void at_most(json& object, const char* name, std::optional<std::uint64_t> most) {
  if (!most) return;
  const auto given = object.contains(name) ? object[name].get<std::int64_t>() : 0;
  if (given <= 0 || static_cast<std::uint64_t>(given) > *most) object[name] = *most;
}

}  // namespace

json host_config(const json& given, const Policy& policy, const Owned& owned) {
  auto kept = known(given, kHostFields, "HostConfig.");
  if (kept.contains("NetworkMode")) kept["NetworkMode"] = network_mode(kept["NetworkMode"], owned);
  if (kept.contains("Binds")) {
    for (const auto& bind : kept["Binds"]) check_volume_bind(bind, owned);
  }
  if (kept.contains("Mounts")) {
    for (auto& entry : kept["Mounts"]) entry = mount(entry, owned);
  }
  if (kept.contains("VolumesFrom")) kept["VolumesFrom"] = volumes_from(kept["VolumesFrom"], owned);
  at_most(kept, "PidsLimit", policy.pids);
  if (policy.memory) {
    at_most(kept, "Memory", policy.memory);
    kept["MemorySwap"] = kept["Memory"];
    kept.erase("MemoryReservation");
  }
  return kept;
}

}  // namespace jailed::socket_proxy
