#include <algorithm>
#include <catch.hpp>
#include <cctype>
#include <cstdlib>
#include <jailed/socket_proxy/decision.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

// Whatever a client sends, what reaches the engine is harmless: judged here by rules of their own, which know
// what is dangerous and not what is allowed, and which read names as Go does.

using namespace jailed::socket_proxy;
using nlohmann::json;

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool says(const json& value, const char* word) {
  return value.is_string() && lower(value.get<std::string>()).find(word) != std::string::npos;
}

// Why this HostConfig would give a container more than itself; empty when it would not.
std::string danger_in(const json& config) {
  for (const auto& [key, value] : config.items()) {
    const auto name = lower(key);
    const bool nothing = value.is_null() || value == json(false) || value == json("") || value == json(0) ||
                         ((value.is_array() || value.is_object()) && value.empty());
    if ((name == "maskedpaths" || name == "readonlypaths") && !value.is_null()) return name;
    if (nothing) continue;
    for (const auto* never :
         {"privileged", "capadd", "capabilities", "devices", "devicecgrouprules", "devicerequests", "pidmode",
          "utsmode", "usernsmode", "cgroup", "cgroupparent", "sysctls", "runtime", "annotations",
          "containeridfile", "storageopt", "links", "initpath", "oomkilldisable"}) {
      if (name == never) return name;
    }
    if ((name == "ipcmode" || name == "networkmode" || name == "cgroupnsmode") &&
        (says(value, "host") || says(value, "ns:")))
      return name;
    if (name == "networkmode" && says(value, "container:") && !says(value, "container:aaaa")) return name;
    if (name == "securityopt" &&
        (says(value.dump(), "unconfined") || says(value.dump(), "false") || says(value.dump(), "label")))
      return name;
    if (name == "binds") {
      for (const auto& bind : value) {
        if (!bind.is_string() || !bind.get<std::string>().starts_with("my-volume:/")) return name;
      }
    }
    if (name == "mounts") {
      for (const auto& mount : value) {
        for (const auto& [field, content] : mount.items()) {
          if (lower(field) == "type" && content != json("volume") && content != json("tmpfs"))
            return "mounts.type";
          if (lower(field) == "source" && content != json("") && content != json("my-volume"))
            return "mounts.source";
          if (lower(field) == "volumeoptions" && content.dump().find("evice") != std::string::npos)
            return "mounts.options";
        }
        if (!mount.contains("Type")) return "mounts without type";
      }
    }
    if (name == "volumesfrom" && value.dump().find("other") != std::string::npos) return name;
  }
  return {};
}

std::string danger(const json& body) {
  for (const auto& [key, value] : body.items()) {
    if (lower(key) == "hostconfig") {
      if (!value.is_object()) return "no object";
      if (auto reason = danger_in(value); !reason.empty()) return reason;
    } else if (auto reason = danger_in(json{{key, value}}); !reason.empty() && lower(key) != "networkmode") {
      return reason;
    }
  }
  if (body["Labels"].value(kSiblingLabel, "") != "session") return "no label";
  return {};
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  json body() {
    json value = {
        {"Image", "busybox"}, {"Cmd", {"id"}}, {"Labels", {{"a", "b"}}}, {"HostConfig", json::object()}};
    for (auto count = below(6) + 1; count > 0; --count) {
      auto& place = below(4) == 0 ? value : value["HostConfig"];
      if (place.is_object()) place[spelt(pick(kKeys))] = this->value(3);
    }
    return value;
  }

  // The same with bytes changed.
  std::string garbled(std::string text) {
    for (auto count = below(4); count > 0 && !text.empty(); --count) {
      const auto at = below(text.size());
      switch (below(3)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.insert(at, text.substr(below(text.size()), below(30)));
          break;
        default:
          text.erase(at, below(8));
          break;
      }
    }
    return text;
  }

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

 private:
  static inline const std::vector<std::string> kKeys = {"Privileged",     "Binds",         "Mounts",
                                                        "CapAdd",         "Devices",       "PidMode",
                                                        "IpcMode",        "NetworkMode",   "UTSMode",
                                                        "UsernsMode",     "CgroupnsMode",  "SecurityOpt",
                                                        "VolumesFrom",    "MaskedPaths",   "ReadonlyPaths",
                                                        "Sysctls",        "Runtime",       "CgroupParent",
                                                        "HostConfig",     "Tmpfs",         "Memory",
                                                        "AutoRemove",     "Labels",        "Annotations",
                                                        "DeviceRequests", "Type",          "Source",
                                                        "Target",         "VolumeOptions", "DriverConfig",
                                                        "Options",        "device",        "o",
                                                        "Volumes",        "Env",           "PortBindings",
                                                        "OomKillDisable"};
  static inline const std::vector<std::string> kWords = {"",
                                                         "host",
                                                         "/",
                                                         "/:/host",
                                                         "my-volume:/data",
                                                         "my-volume",
                                                         "other:/data",
                                                         "container:other",
                                                         "container:mine",
                                                         "private",
                                                         "bind",
                                                         "volume",
                                                         "tmpfs",
                                                         "/data",
                                                         "seccomp=unconfined",
                                                         "no-new-privileges",
                                                         "SYS_ADMIN",
                                                         "ALL",
                                                         "mine",
                                                         "other",
                                                         "my-net",
                                                         "jailed.sibling",
                                                         "ns:/proc/1/ns/net"};

  const std::string& pick(const std::vector<std::string>& list) { return list[below(list.size())]; }

  std::string spelt(std::string word) {
    switch (below(8)) {
      case 0:
        return lower(word);
      case 1:
        word[below(word.size())] ^= 0x20;
        return word;
      case 2:
        if (const auto s = word.find('s'); s != std::string::npos) word.replace(s, 1, "\xC5\xBF");
        return word;
      default:
        return word;
    }
  }

  json value(int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return static_cast<std::int64_t>(below(5)) - 2;
      case 4:
      case 5:
        return pick(kWords);
      case 6: {
        json list = json::array();
        for (auto count = below(3); count > 0; --count) list.push_back(value(depth - 1));
        return list;
      }
      default: {
        json object = json::object();
        for (auto count = below(5); count > 0; --count) object[spelt(pick(kKeys))] = value(depth - 1);
        return object;
      }
    }
  }

  std::mt19937_64 random_;
};

// JAILED_FUZZ_ROUNDS=N for longer runs.
std::size_t rounds() {
  const auto* text = std::getenv("JAILED_FUZZ_ROUNDS");
  return text == nullptr ? 20000 : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("no created container is dangerous, whatever was asked for", "[socket_proxy]") {
  Owned owned;
  owned.add_container(std::string(64, 'a'), "mine");
  owned.add_network(std::string(64, 'b'), "my-net");
  owned.add_volume("my-volume");
  const Policy policy{"session", {}, {}};
  Mutator mutator(20260101);
  std::size_t allowed = 0;
  const auto all = rounds();
  for (std::size_t round = 0; round < all; ++round) {
    auto text = mutator.body().dump(-1, ' ', false, json::error_handler_t::replace);
    if (round % 4 == 0) text = mutator.garbled(text);
    const auto decision = decide({"POST", "/containers/create", text}, policy, owned);
    const auto* forward = std::get_if<Forward>(&decision);
    if (forward == nullptr) continue;
    ++allowed;
    const auto reason = danger(json::parse(forward->body));
    INFO(text << " -> " << forward->body);
    REQUIRE(reason.empty());
  }
  CHECK(allowed > all / 200);  // or it has tested nothing
}

TEST_CASE("no path reaches what this jail did not make, whatever was asked for", "[socket_proxy]") {
  Owned owned;
  owned.add_container(std::string(64, 'a'), "mine");
  Mutator mutator(20260102);
  static const std::vector<std::string> kSeeds = {"/containers/mine/json",
                                                  "/containers/other/exec",
                                                  "/v1.41/containers/mine/archive?path=%2F",
                                                  "/images/busybox/json",
                                                  "/images/create?fromImage=busybox",
                                                  "/containers/%6dine/start",
                                                  "/networks/host/connect",
                                                  "/exec/other/start"};
  static const std::vector<std::string> kMethods = {"GET", "POST", "PUT", "DELETE", "HEAD"};
  for (std::size_t round = 0; round < rounds(); ++round) {
    const auto target = mutator.garbled(kSeeds[mutator.below(kSeeds.size())]);
    const auto& method = kMethods[mutator.below(kMethods.size())];
    const auto decision = decide({method, target, "{}"}, {"session", {}, {}}, owned);
    const auto* forward = std::get_if<Forward>(&decision);
    if (forward == nullptr) continue;
    INFO(method << " " << target << " -> " << forward->target);
    const auto path = forward->target.substr(0, forward->target.find('?'));
    REQUIRE(path.find_first_of("\r\n #%\\") == std::string::npos);
    REQUIRE(path.find("..") == std::string::npos);
    if (const auto at = path.find("/containers/"); at != std::string::npos) {
      const auto rest = path.substr(at + 12);
      REQUIRE((rest == "json" || rest == "create" || rest.starts_with(std::string(64, 'a'))));
    }
    if (method == "DELETE") REQUIRE(path.find("/containers/" + std::string(64, 'a')) != std::string::npos);
  }
}
