#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <jailed/socket_proxy/bodies.hpp>
#include <span>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;
using std::string_view;

constexpr std::int64_t kLargest = std::int64_t{1} << 50;

// Whether a value can do no harm under its key. null never comes here: it means "not given" to every engine.
using Check = bool (*)(const json&);

struct Field {
  string_view name;
  Check check;
};

bool consists_of(string_view text, string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x80 && std::isalnum(byte) != 0) || more.find(c) != string_view::npos;
  });
}

bool is_one_of(const json& value, std::initializer_list<string_view> words) {
  return value.is_string() &&
         std::find(words.begin(), words.end(), value.get_ref<const std::string&>()) != words.end();
}

bool flag(const json& value) { return value.is_boolean(); }
bool off(const json& value) { return value == json(false); }
bool text(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}
bool number(const json& value) {
  return value.is_number_integer() && value >= json(-1) && value <= json(kLargest);
}
bool positive(const json& value) { return number(value) && value >= json(0); }

// Empty in the way that every engine takes for its default.
bool empty(const json& value) {
  return value == json(false) || value == json(0) || value == json("") ||
         ((value.is_array() || value.is_object()) && value.empty());
}
// For what an empty list would switch off: only null is the default.
bool absent(const json&) { return false; }

template <bool item(const json&)>
bool list_of(const json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), item);
}
template <bool item(const json&)>
bool map_of(const json& value) {
  return value.is_object() && std::all_of(value.begin(), value.end(), item);
}

bool texts(const json& value) { return list_of<text>(value); }
bool cmd_words(const json& value) { return text(value) || texts(value); }
bool word(const json& value) {
  return text(value) && consists_of(value.get_ref<const std::string&>(), "_.-");
}
bool words(const json& value) { return list_of<word>(value); }
bool image(const json& value) { return value.is_string() && is_image(value.get_ref<const std::string&>()); }

// "NAME" and "NAME*" would make podman take the value from the environment of its service, which is the
// user's.
bool assignment(const json& value) {
  if (!text(value)) return false;
  const auto& entry = value.get_ref<const std::string&>();
  const auto equals = entry.find('=');
  return equals != std::string::npos && equals > 0 &&
         consists_of(string_view(entry).substr(0, equals), "_.-");
}
bool environment(const json& value) { return list_of<assignment>(value); }

// A path in the container. podman glues such values together with ':' and ',' into mount options.
bool is_container_path(string_view path) {
  return path.starts_with('/') && std::none_of(path.begin(), path.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || c == ':' || c == ',' || c == '"' || c == '\\';
         });
}

bool anonymous_volumes(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [path, nothing] : value.items()) {
    if (!is_container_path(path) || !nothing.is_object() || !nothing.empty()) return false;
  }
  return true;
}

bool is_port(string_view port) {
  if (const auto slash = port.find('/'); slash != string_view::npos) {
    const auto protocol = port.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return false;
    port = port.substr(0, slash);
  }
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == string_view::npos;
}

bool exposed_ports(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [port, nothing] : value.items()) {
    if (!is_port(port) || !nothing.is_object() || !nothing.empty()) return false;
  }
  return true;
}

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

const Field* find_field(std::span<const Field> fields, string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool object_with(const json& value, std::span<const Field> fields) {
  if (!value.is_object()) return false;
  for (const auto& [name, item] : value.items()) {
    const auto* field = find_field(fields, name);
    if (field == nullptr || (!item.is_null() && !field->check(item))) return false;
  }
  return true;
}

bool binding(const json& value) { return object_with(value, kBindingFields); }
bool port_bindings(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [port, bindings] : value.items()) {
    if (!is_port(port) || !(bindings.is_null() || list_of<binding>(bindings))) return false;
  }
  return true;
}

bool restart_policy(const json& value) {
  // One that outlives a reboot would outlive the jail as well.
  static constexpr std::array fields = {Field{"Name",
                                              [](const json& name) {
                                                return is_one_of(name, {"", "no", "on-failure"});
                                              }},
                                        Field{"MaximumRetryCount", positive}};
  return object_with(value, fields);
}

bool log_limits(const json& value) {
  // podman's "path" is a file of the host.
  static constexpr std::array fields = {Field{"max-size", word}, Field{"max-file", word}};
  return object_with(value, fields);
}
bool log_config(const json& value) {
  static constexpr std::array fields = {Field{"Type",
                                              [](const json& type) {
                                                return is_one_of(type, {"", "json-file", "local", "none"});
                                              }},
                                        Field{"Config", log_limits}};
  return object_with(value, fields);
}

bool ulimit(const json& value) {
  static constexpr std::array fields = {Field{"Name", word}, Field{"Soft", number}, Field{"Hard", number}};
  return object_with(value, fields);
}
bool ulimits(const json& value) { return list_of<ulimit>(value); }

bool tmpfs_options(const json& value) {
  if (!text(value)) return false;
  string_view rest = value.get_ref<const std::string&>();
  while (!rest.empty()) {
    const auto option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    const auto equals = option.find('=');
    const auto name = json(std::string(option.substr(0, equals)));
    const bool plain =
        equals == string_view::npos && is_one_of(name, {"rw", "ro", "exec", "noexec", "nosuid", "nodev"});
    const bool valued = equals != string_view::npos &&
                        is_one_of(name, {"size", "mode", "uid", "gid", "nr_inodes"}) &&
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

bool healthcheck(const json& value) {
  static constexpr std::array fields = {Field{"Test", texts},           Field{"Interval", positive},
                                        Field{"Timeout", positive},     Field{"Retries", positive},
                                        Field{"StartPeriod", positive}, Field{"StartInterval", positive}};
  return object_with(value, fields);
}

bool private_ipc(const json& value) { return is_one_of(value, {"", "private", "shareable", "none"}); }
bool private_cgroup(const json& value) { return is_one_of(value, {"", "private"}); }
bool no_new_privileges(const json& value) {
  return is_one_of(value, {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"});
}
bool hardening(const json& value) { return list_of<no_new_privileges>(value); }
bool digits(const json& value) {
  return text(value) && !value.get_ref<const std::string&>().empty() &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789") == std::string::npos;
}
bool numeric_groups(const json& value) { return list_of<digits>(value); }
bool default_isolation(const json& value) { return is_one_of(value, {"", "default"}); }
bool local_driver(const json& value) { return is_one_of(value, {"", "local"}); }
bool sizes(const json& value) { return list_of<positive>(value); }
bool host(const json& value) {
  return text(value) && consists_of(value.get_ref<const std::string&>(), "_.-:[]");
}
bool hosts(const json& value) { return list_of<host>(value); }
bool processors(const json& value) {
  return value.is_string() &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789,-") == std::string::npos;
}
bool any_object(const json& value) { return value.is_object(); }  // looked at on its own
bool any_list(const json& value) { return value.is_array(); }     // looked at on its own

constexpr std::array kConfigFields = {
    Field{"Hostname", word},
    Field{"Domainname", word},
    Field{"User", text},
    Field{"AttachStdin", flag},
    Field{"AttachStdout", flag},
    Field{"AttachStderr", flag},
    Field{"Tty", flag},
    Field{"OpenStdin", flag},
    Field{"StdinOnce", flag},
    Field{"Env", environment},
    Field{"Cmd", cmd_words},
    Field{"Entrypoint", cmd_words},
    Field{"Healthcheck", healthcheck},
    Field{"ArgsEscaped", flag},
    Field{"Image", image},
    Field{"WorkingDir", text},
    Field{"Labels", any_object},
    Field{"StopSignal", word},
    Field{"StopTimeout", positive},
    Field{"ExposedPorts", exposed_ports},
    Field{"Volumes", anonymous_volumes},
    Field{"Shell", texts},
    Field{"NetworkDisabled", flag},
    Field{"MacAddress", empty},
    Field{"OnBuild", empty},
    Field{"HostConfig", any_object},
    Field{"NetworkingConfig", any_object},
    Field{"Platform", text},
};

// API 1.24 to 1.51. What is not here is refused, whatever its value.
constexpr std::array kHostFields = {
    Field{"AutoRemove", flag},
    Field{"Annotations", empty},  // runtimes obey them
    Field{"Binds", any_list},
    Field{"BlkioDeviceReadBps", empty},
    Field{"BlkioDeviceReadIOps", empty},
    Field{"BlkioDeviceWriteBps", empty},
    Field{"BlkioDeviceWriteIOps", empty},
    Field{"BlkioWeight", positive},
    Field{"BlkioWeightDevice", empty},
    Field{"CapAdd", empty},
    Field{"CapDrop", words},
    Field{"Capabilities", empty},
    Field{"Cgroup", empty},
    Field{"CgroupParent", empty},
    Field{"CgroupnsMode", private_cgroup},
    Field{"ConsoleSize", sizes},
    Field{"ContainerIDFile", empty},
    Field{"CpuCount", positive},
    Field{"CpuPercent", positive},
    Field{"CpuPeriod", positive},
    Field{"CpuQuota", number},
    Field{"CpuRealtimePeriod", empty},
    Field{"CpuRealtimeRuntime", empty},
    Field{"CpuShares", positive},
    Field{"CpusetCpus", processors},
    Field{"CpusetMems", processors},
    Field{"DeviceCgroupRules", empty},
    Field{"DeviceRequests", empty},
    Field{"Devices", empty},
    Field{"DiskQuota", empty},
    Field{"Dns", hosts},
    Field{"DnsOptions", hosts},
    Field{"DnsSearch", hosts},
    Field{"ExtraHosts", hosts},
    Field{"GroupAdd", numeric_groups},
    Field{"IOMaximumBandwidth", empty},
    Field{"IOMaximumIOps", empty},
    Field{"Init", flag},
    Field{"InitPath", empty},
    Field{"IpcMode", private_ipc},
    Field{"Isolation", default_isolation},
    Field{"KernelMemory", empty},
    Field{"KernelMemoryTCP", empty},
    Field{"Links", empty},
    Field{"LogConfig", log_config},
    Field{"MaskedPaths", absent},
    Field{"Memory", number},
    Field{"MemoryReservation", number},
    Field{"MemorySwap", number},
    Field{"MemorySwappiness", number},
    Field{"Mounts", any_list},
    Field{"NanoCPUs", positive},
    Field{"NanoCpus", positive},
    Field{"NetworkMode", text},
    Field{"OomKillDisable", off},
    Field{"OomScoreAdj", positive},
    Field{"PidMode", empty},
    Field{"PidsLimit", number},
    Field{"PortBindings", port_bindings},
    Field{"Privileged", off},
    Field{"PublishAllPorts", flag},
    Field{"ReadonlyPaths", absent},
    Field{"ReadonlyRootfs", flag},
    Field{"RestartPolicy", restart_policy},
    Field{"Runtime", empty},
    Field{"SecurityOpt", hardening},
    Field{"ShmSize", positive},
    Field{"StorageOpt", empty},
    Field{"Sysctls", empty},
    Field{"Tmpfs", tmpfs},
    Field{"UTSMode", empty},
    Field{"Ulimits", ulimits},
    Field{"UsernsMode", empty},
    Field{"VolumeDriver", local_driver},
    Field{"VolumesFrom", any_list},
};

constexpr std::array kEndpointFields = {
    Field{"IPAMConfig", empty},  Field{"Links", empty},
    Field{"Aliases", words},     Field{"DriverOpts", empty},
    Field{"GwPriority", empty},  Field{"NetworkID", empty},
    Field{"EndpointID", empty},  Field{"Gateway", empty},
    Field{"IPAddress", empty},   Field{"IPPrefixLen", empty},
    Field{"IPv6Gateway", empty}, Field{"GlobalIPv6Address", empty},
    Field{"MacAddress", empty},  Field{"GlobalIPv6PrefixLen", empty},
    Field{"DNSNames", empty},
};

constexpr std::array kMountFields = {
    Field{"Type", text},         Field{"Source", text},
    Field{"Target", text},       Field{"ReadOnly", flag},
    Field{"Consistency", empty}, Field{"VolumeOptions", any_object},
    Field{"BindOptions", empty}, Field{"TmpfsOptions", any_object},
};

constexpr std::array kNetworkFields = {
    Field{"Name", word},
    Field{"CheckDuplicate", flag},
    Field{"Driver",
          +[](const json& value) {
            return is_one_of(value, {"", "bridge"});
          }},
    Field{"Internal", flag},
    Field{"Attachable", flag},
    Field{"EnableIPv6", flag},
    Field{"EnableIPv4", flag},
    Field{"IPAM", any_object},
    Field{"Options", empty},
    Field{"Labels", any_object},
    Field{"Ingress", off},
    Field{"ConfigOnly", off},
    Field{"ConfigFrom", any_object},
    Field{"Scope",
          +[](const json& value) {
            return is_one_of(value, {"", "local"});
          }},
};

constexpr std::array kVolumeFields = {
    Field{"Name", word},
    Field{"Driver", local_driver},
    Field{"DriverOpts", empty},
    Field{"Labels", any_object},
};

constexpr std::array kExecFields = {
    Field{"AttachStdin", flag}, Field{"AttachStdout", flag}, Field{"AttachStderr", flag},
    Field{"DetachKeys", text},  Field{"Tty", flag},          Field{"Env", environment},
    Field{"Cmd", cmd_words},    Field{"Privileged", off},    Field{"User", text},
    Field{"WorkingDir", text},  Field{"ConsoleSize", sizes},
};

constexpr std::array kExecStartFields = {Field{"Detach", flag}, Field{"Tty", flag},
                                         Field{"ConsoleSize", sizes}};

[[noreturn]] void refuse(string_view where, string_view name, string_view why) {
  throw BodyRefused{fmt::format("{}{} {}", where, name.substr(0, 64), why)};
}

// What is known and given, by its exact names.
json known(const json& object, std::span<const Field> fields, string_view where) {
  if (!object.is_object()) refuse(where, "", "is not an object");
  json kept = json::object();
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    const auto* field = find_field(fields, name);
    if (field == nullptr) refuse(where, name, "is not a field that a jail may set");
    if (!field->check(value)) refuse(where, name, "has a value that a jail may not set");
    kept[name] = value;
  }
  return kept;
}

// Libraries repeat ids of the path in the body, where no engine reads them.
json without(json object, std::initializer_list<const char*> names) {
  for (const auto* name : names) object.erase(name);
  return object;
}

// All that jailed ever sets or asks for (plan::jail_labels, create_volume_command, sibling_sweeps, the isolated network).
constexpr std::array kJailLabels = {"jailed.session", "jailed.project",  "jailed.projects", "jailed.owner",
                                    "jailed.version", "jailed.role",     "jailed.machine",  "jailed.sync",
                                    "jailed.detached", "jailed.image",   "jailed.user",     "jailed.identity",
                                    "jailed.network"};

// The systemd unit that podman's auto-update restarts.
constexpr const char* kUnitLabel = "PODMAN_SYSTEMD_UNIT";

void add_label(json& object, const Policy& policy) {
  auto& labels = object["Labels"];
  if (labels.is_null()) labels = json::object();
  for (const auto& [name, value] : labels.items()) {
    if (!value.is_string()) refuse("Labels.", name, "is not a text");
    if (name.starts_with("jailed.") || name.starts_with("io.containers.") || name.starts_with("io.podman.") || name == kUnitLabel) {
      refuse("Labels.", name, "is not a jail's to set");
    }
  }
  labels[kSiblingLabel] = policy.session;
}

// The whole id of a network of this jail, or one of the engine's own that is nobody's.
std::string network_reference(const std::string& name, const Owned& owned, string_view where) {
  if (name.empty() || name == "default" || name == "bridge" || name == "none") return name;
  if (const auto id = owned.network(name)) return *id;
  refuse(where, "", "names the host's network, or one that this jail did not make");
}

std::string network_mode(const std::string& mode, const Owned& owned) {
  static constexpr string_view kContainer = "container:";
  if (!mode.starts_with(kContainer)) return network_reference(mode, owned, "HostConfig.NetworkMode");
  if (const auto id = owned.container(mode.substr(kContainer.size()))) return std::string(kContainer) + *id;
  refuse("HostConfig.NetworkMode", "", "names a container that this jail did not make");
}

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
  if (second != std::string::npos && !is_one_of(json(spec.substr(second + 1)), {"ro", "rw", "nocopy"}))
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
    static constexpr std::array fields = {Field{"NoCopy", flag}, Field{"Labels", empty},
                                          Field{"DriverConfig", empty}, Field{"Subpath", empty}};
    kept["VolumeOptions"] = known(kept["VolumeOptions"], fields, "HostConfig.Mounts.VolumeOptions.");
  }
  if (kept.contains("TmpfsOptions")) {
    static constexpr std::array fields = {Field{"SizeBytes", positive}, Field{"Mode", positive},
                                          Field{"Options", empty}};
    kept["TmpfsOptions"] = known(kept["TmpfsOptions"], fields, "HostConfig.Mounts.TmpfsOptions.");
  }
  return kept;
}

json volumes_from(const json& given, const Owned& owned) {
  json kept = json::array();
  for (const auto& entry : given) {
    const auto spec = entry.is_string() ? entry.get<std::string>() : std::string{};
    const auto colon = spec.find(':');
    const auto id = owned.container(spec.substr(0, colon));
    const auto mode = colon == std::string::npos ? std::string{} : spec.substr(colon + 1);
    if (!id || !is_one_of(json(mode), {"", "ro", "rw"}))
      refuse("HostConfig.VolumesFrom", "", "names a container that this jail did not make");
    kept.push_back(mode.empty() ? *id : *id + ":" + mode);
  }
  return kept;
}

void at_most(json& object, const char* name, std::optional<std::uint64_t> most) {
  if (!most) return;
  const auto given = object.contains(name) ? object[name].get<std::int64_t>() : 0;
  if (given <= 0 || static_cast<std::uint64_t>(given) > *most) object[name] = *most;
}

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

json endpoints(const json& given, const Owned& owned) {
  static constexpr std::array fields = {Field{"EndpointsConfig", any_object}};
  auto kept = known(given, fields, "NetworkingConfig.");
  if (!kept.contains("EndpointsConfig")) return kept;
  json renamed = json::object();
  for (const auto& [name, endpoint] : kept["EndpointsConfig"].items()) {
    const auto id = network_reference(name, owned, "NetworkingConfig.EndpointsConfig");
    renamed[id] = endpoint.is_null() ? json::object()
                                     : known(endpoint, kEndpointFields, "NetworkingConfig.EndpointsConfig.");
  }
  kept["EndpointsConfig"] = std::move(renamed);
  return kept;
}

std::string own_container(const json& body, const Owned& owned) {
  const auto name = body.contains("Container") && body["Container"].is_string()
                        ? body["Container"].get<std::string>()
                        : std::string{};
  if (const auto id = owned.container(name)) return *id;
  refuse("Container", "", "is not one that this jail made");
}

}  // namespace

bool is_jails_name(string_view name) { return name.starts_with("jailed-"); }

bool is_name(string_view name) {
  return !name.empty() && name.size() <= 255 && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         consists_of(name, "_.-");
}

bool is_image(string_view reference) {
  static constexpr std::array<string_view, 12> transports = {
      "docker", "dir",    "oci",    "oci-archive", "docker-archive", "docker-daemon", "containers-storage",
      "sif",    "atomic", "ostree", "tarball",     "docker-remote"};
  if (reference.empty() || reference.size() > 512 ||
      std::isalnum(static_cast<unsigned char>(reference.front())) == 0 || !consists_of(reference, "_.-/:@")) {
    return false;
  }
  const auto colon = reference.find(':');
  return colon == string_view::npos ||
         std::find(transports.begin(), transports.end(), reference.substr(0, colon)) == transports.end();
}

json container_body(const json& body, const Policy& policy, const Owned& owned) {
  auto kept = known(body, kConfigFields, "");
  if (!kept.contains("Image")) refuse("Image", "", "is not given");
  add_label(kept, policy);
  // An image's labels become its containers' where a request does not set them, and jailed knows its own jails by these.
  for (const auto* name : kJailLabels) kept["Labels"][name] = "";
  kept["Labels"][kUnitLabel] = "";
  kept["HostConfig"] = host_config(kept.value("HostConfig", json::object()), policy, owned);
  if (kept.contains("NetworkingConfig"))
    kept["NetworkingConfig"] = endpoints(kept["NetworkingConfig"], owned);
  return kept;
}

json network_body(const json& body, const Policy& policy) {
  auto kept = known(body, kNetworkFields, "");
  const auto name = kept.value("Name", "");
  if (!is_name(name) || is_jails_name(name) || is_one_of(json(name), {"host", "none", "bridge", "default", "container", "private",
                                               "pasta", "slirp4netns", "podman", "ns", "pod"})) {
    refuse("Name", "", "is not a name for a jail's network");
  }
  if (kept.contains("IPAM")) {
    // A subnet of one's choice would draw the host's own traffic for it to the bridge.
    static constexpr std::array fields = {Field{"Driver", default_isolation}, Field{"Config", empty},
                                          Field{"Options", empty}};
    kept["IPAM"] = known(kept["IPAM"], fields, "IPAM.");
    // Docker before 20.10.20 takes an empty list, podman 4.3 wants it away.
    kept.erase("IPAM");
  }
  if (kept.contains("ConfigFrom")) {
    static constexpr std::array fields = {Field{"Network", empty}};
    known(kept["ConfigFrom"], fields, "ConfigFrom.");
    kept.erase("ConfigFrom");
  }
  add_label(kept, policy);
  return kept;
}

json connect_body(const json& body, const Owned& owned) {
  static constexpr std::array fields = {Field{"Container", text}, Field{"EndpointConfig", any_object}};
  auto kept = known(body, fields, "");
  kept["Container"] = own_container(kept, owned);
  if (kept.contains("EndpointConfig"))
    kept["EndpointConfig"] = known(kept["EndpointConfig"], kEndpointFields, "EndpointConfig.");
  return kept;
}

json disconnect_body(const json& body, const Owned& owned) {
  static constexpr std::array fields = {Field{"Container", text}, Field{"Force", flag}};
  auto kept = known(body, fields, "");
  kept["Container"] = own_container(kept, owned);
  return kept;
}

json volume_body(const json& body, const Policy& policy) {
  auto kept = known(body, kVolumeFields, "");
  if (kept.contains("Name") && kept["Name"] != json("") && (!is_name(kept.value("Name", "")) || is_jails_name(kept.value("Name", ""))))
    refuse("Name", "", "is not a name for a volume");
  add_label(kept, policy);
  return kept;
}

json exec_body(const json& body) {
  return known(without(body, {"Container", "containerId"}), kExecFields, "");
}

json exec_start_body(const json& body) {
  // Libraries put options of their own HTTP layer beside these; they stay here.
  json given = json::object();
  for (const auto& field : kExecStartFields) {
    const std::string name(field.name);
    if (body.contains(name)) given[name] = body[name];
  }
  return known(given, kExecStartFields, "");
}

}  // namespace jailed::socket_proxy
