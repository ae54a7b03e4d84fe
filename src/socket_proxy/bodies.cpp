#include <array>
#include <initializer_list>
#include <jailed/socket_proxy/bodies.hpp>
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

bool image(const json& value) { return value.is_string() && is_image(value.get_ref<const std::string&>()); }

bool anonymous_volumes(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [path, nothing] : value.items()) {
    if (!is_container_path(path) || !nothing.is_object() || !nothing.empty()) return false;
  }
  return true;
}

bool exposed_ports(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [port, nothing] : value.items()) {
    if (!is_port(port) || !nothing.is_object() || !nothing.empty()) return false;
  }
  return true;
}

bool healthcheck(const json& value) {
  static constexpr std::array fields = {Field{"Test", value::texts},           Field{"Interval", value::positive},
                                        Field{"Timeout", value::positive},     Field{"Retries", value::positive},
                                        Field{"StartPeriod", value::positive}, Field{"StartInterval", value::positive}};
  return object_with(value, fields);
}

constexpr std::array kConfigFields = {
    Field{"Hostname", value::word},
    Field{"Domainname", value::word},
    Field{"User", value::text},
    Field{"AttachStdin", value::flag},
    Field{"AttachStdout", value::flag},
    Field{"AttachStderr", value::flag},
    Field{"Tty", value::flag},
    Field{"OpenStdin", value::flag},
    Field{"StdinOnce", value::flag},
    Field{"Env", value::environment},
    Field{"Cmd", value::cmd_words},
    Field{"Entrypoint", value::cmd_words},
    Field{"Healthcheck", healthcheck},
    Field{"ArgsEscaped", value::flag},
    Field{"Image", image},
    Field{"WorkingDir", value::text},
    Field{"Labels", value::any_object},
    Field{"StopSignal", value::word},
    Field{"StopTimeout", value::positive},
    Field{"ExposedPorts", exposed_ports},
    Field{"Volumes", anonymous_volumes},
    Field{"Shell", value::texts},
    Field{"NetworkDisabled", value::flag},
    Field{"MacAddress", value::empty},
    Field{"OnBuild", value::empty},
    Field{"HostConfig", value::any_object},
    Field{"NetworkingConfig", value::any_object},
    Field{"Platform", value::text},
};

constexpr std::array kEndpointFields = {
    Field{"IPAMConfig", value::empty},  Field{"Links", value::empty},
    Field{"Aliases", value::words},     Field{"DriverOpts", value::empty},
    Field{"GwPriority", value::empty},  Field{"NetworkID", value::empty},
    Field{"EndpointID", value::empty},  Field{"Gateway", value::empty},
    Field{"IPAddress", value::empty},   Field{"IPPrefixLen", value::empty},
    Field{"IPv6Gateway", value::empty}, Field{"GlobalIPv6Address", value::empty},
    Field{"MacAddress", value::empty},  Field{"GlobalIPv6PrefixLen", value::empty},
    Field{"DNSNames", value::empty},
};

constexpr std::array kNetworkFields = {
    Field{"Name", value::word},
    Field{"CheckDuplicate", value::flag},
    Field{"Driver",
          +[](const json& value) {
            return value::is_one_of(value, {"", "bridge"});
          }},
    Field{"Internal", value::flag},
    Field{"Attachable", value::flag},
    Field{"EnableIPv6", value::flag},
    Field{"EnableIPv4", value::flag},
    Field{"IPAM", value::any_object},
    Field{"Options", value::empty},
    Field{"Labels", value::any_object},
    Field{"Ingress", value::off},
    Field{"ConfigOnly", value::off},
    Field{"ConfigFrom", value::any_object},
    Field{"Scope",
          +[](const json& value) {
            return value::is_one_of(value, {"", "local"});
          }},
};

constexpr std::array kVolumeFields = {
    Field{"Name", value::word},
    Field{"Driver", value::local_driver},
    Field{"DriverOpts", value::empty},
    Field{"Labels", value::any_object},
};

constexpr std::array kExecFields = {
    Field{"AttachStdin", value::flag}, Field{"AttachStdout", value::flag}, Field{"AttachStderr", value::flag},
    Field{"DetachKeys", value::text},  Field{"Tty", value::flag},          Field{"Env", value::environment},
    Field{"Cmd", value::cmd_words},    Field{"Privileged", value::off},    Field{"User", value::text},
    Field{"WorkingDir", value::text},  Field{"ConsoleSize", value::sizes},
};

constexpr std::array kExecStartFields = {Field{"Detach", value::flag}, Field{"Tty", value::flag},
                                         Field{"ConsoleSize", value::sizes}};

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

json endpoints(const json& given, const Owned& owned) {
  static constexpr std::array fields = {Field{"EndpointsConfig", value::any_object}};
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

}  // namespace

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
  if (!is_name(name) || is_jails_name(name) || value::is_one_of(json(name), {"host", "none", "bridge", "default", "container", "private",
                                               "pasta", "slirp4netns", "podman", "ns", "pod"})) {
    refuse("Name", "", "is not a name for a jail's network");
  }
  if (kept.contains("IPAM")) {
    // A subnet of one's choice would draw the host's own traffic for it to the bridge.
    static constexpr std::array fields = {Field{"Driver", value::default_isolation}, Field{"Config", value::empty},
                                          Field{"Options", value::empty}};
    kept["IPAM"] = known(kept["IPAM"], fields, "IPAM.");
    // Docker before 20.10.20 takes an empty list, podman 4.3 wants it away.
    kept.erase("IPAM");
  }
  if (kept.contains("ConfigFrom")) {
    static constexpr std::array fields = {Field{"Network", value::empty}};
    known(kept["ConfigFrom"], fields, "ConfigFrom.");
    kept.erase("ConfigFrom");
  }
  add_label(kept, policy);
  return kept;
}

json connect_body(const json& body, const Owned& owned) {
  static constexpr std::array fields = {Field{"Container", value::text}, Field{"EndpointConfig", value::any_object}};
  auto kept = known(body, fields, "");
  kept["Container"] = own_container(kept, owned);
  if (kept.contains("EndpointConfig"))
    kept["EndpointConfig"] = known(kept["EndpointConfig"], kEndpointFields, "EndpointConfig.");
  return kept;
}

json disconnect_body(const json& body, const Owned& owned) {
  static constexpr std::array fields = {Field{"Container", value::text}, Field{"Force", value::flag}};
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
