#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <jailed/core/text.hpp>
#include <jailed/socket_proxy/bodies.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/fields.hpp>
#include <jailed/socket_proxy/names.hpp>
#include <jailed/socket_proxy/strict_json.hpp>
#include <jailed/socket_proxy/target.hpp>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;
using std::string_view;

constexpr std::size_t kMostContainers = 64;
constexpr std::size_t kMostNetworks = 16;
constexpr std::size_t kMostVolumes = 64;

// As Docker reads a flag in a query.
bool is_true(std::string_view given) {
  const auto text = core::lower_case(given);
  return !(text.empty() || text == "0" || text == "no" || text == "false" || text == "none");
}

// One request on its way through the rules: the first rule that is for it decides.
class Rules {
 public:
  Rules(const Request& request, const Policy& policy, const Owned& owned, Target target)
      : request_(request), policy_(policy), owned_(owned), target_(std::move(target)) {}

  Decision decide() {
    const auto& room = target_.segments.front();
    const auto count = target_.segments.size();
    if (count == 1 && (room == "_ping" || room == "version" || room == "info" || room == "events"))
      return engine();
    if (room == "images") return images();
    if (room == "containers" && count >= 2) return containers();
    if (room == "exec" && count == 3) return exec();
    if (room == "networks") return networks();
    if (room == "volumes") return volumes();
    return refused("is not a call that a jail may make");
  }

 private:
  static Refusal refused(string_view why, int status = 403) {
    return {status, fmt::format("jailed: this {}; see docs/testcontainers.md", why)};
  }
  static Refusal missing(string_view kind, string_view name) {
    return {404, fmt::format("No such {} of this jail: {}", kind, name)};
  }

  bool is(string_view method) const { return request_.method == method; }
  const std::string& verb() const { return target_.segments.back(); }

  // A key of the query that is not one of these, or comes more than once.
  std::optional<std::string> other_than(std::initializer_list<string_view> keys) const {
    if (!target_.repeated.empty()) return *target_.repeated.begin();
    for (const auto& [key, value] : target_.query) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) return key;
    }
    return std::nullopt;
  }
  std::string query(const std::string& key) const {
    const auto found = target_.query.find(key);
    return found == target_.query.end() ? std::string{} : found->second;
  }

  Decision pass(std::initializer_list<string_view> keys, Reply reply = Reply::pass,
                std::string subject = {}) const {
    if (const auto other = other_than(keys))
      return refused(fmt::format("call has a parameter that a jail may not set ({})", other->substr(0, 64)));
    return Forward{request_.method, format_target(target_), {}, reply, std::move(subject)};
  }

  // Other parameters do not reach the engine: dockerode repeats the body's fields in the query.
  template <typename Build>
  Decision with_body(std::initializer_list<string_view> keys, const Build& build, Reply reply,
                     std::string subject = {}) {
    for (const auto key : keys) {
      if (target_.repeated.contains(std::string(key)))
        return refused(fmt::format("call has {} more than once", key), 400);
    }
    target_.repeated.clear();
    while (const auto other = other_than(keys)) target_.query.erase(*other);
    const auto body = parse_strict(request_.body.empty() ? "{}" : request_.body);
    if (!body) return refused("body is not one JSON object in which every name comes once", 400);
    try {
      // What the engine reads is written here: whatever two parsers could disagree on is gone.
      return Forward{request_.method, format_target(target_), build(*body).dump(), reply, std::move(subject)};
    } catch (const BodyRefused& refusal) {
      return refused(fmt::format("request is refused: {}", refusal.reason));
    } catch (const json::exception&) {
      return refused("body cannot be read", 400);
    }
  }

  Decision engine() {
    const auto& call = target_.segments.front();
    if (call == "_ping" && (is("GET") || is("HEAD"))) return pass({});
    if (call == "version" && is("GET")) return pass({});
    if (call == "info" && is("GET")) return pass({}, Reply::info);
    if (call == "events" && is("GET")) return events();
    return refused("is not a call that a jail may make");
  }

  // The engine filters: the session's label is added to the client's filters. `all_must_match`: of several labels each has to; where one
  // is enough (podman's events), the session's stands alone. Podman (4.3 to 5) makes one text of a filter's name and value.
  bool only_own(bool all_must_match) {
    auto filters = parse_strict(query("filters").empty() ? "{}" : query("filters"));
    if (!filters) return false;
    for (const auto& [name, value] : filters->items()) {
      if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-!") != std::string::npos) return false;
    }
    json labels = json::array({fmt::format("{}={}", kSiblingLabel, policy_.session)});
    const auto given = filters->value("label", json::array());
    for (const auto& [key, value] : given.items()) {
      if (given.is_array() ? !value.is_string() : !value.is_boolean()) return false;
      if (all_must_match) labels.push_back(given.is_array() ? value.get<std::string>() : key);
    }
    (*filters)["label"] = labels;
    target_.query["filters"] = filters->dump();
    return true;
  }

  Decision events() {
    if (!only_own(false)) return refused("filter cannot be read", 400);
    return pass({"since", "until", "filters"}, Reply::stream);
  }

  Decision prune() {
    if (!only_own(true)) return refused("filter cannot be read", 400);
    return pass({"filters"}, Reply::pruned);
  }

  Decision images() {
    auto& path = target_.segments;
    if (path.size() == 2 && path[1] == "json" && is("GET"))
      return pass({"all", "filters", "filter", "digests", "shared-size"});
    if (path.size() == 2 && path[1] == "create" && is("POST")) return pull();
    if (path.size() == 2 && path[1] == "prune" && is("POST")) return pass({"filters"}, Reply::no_images);
    if (path.size() >= 3 && path.back() == "json" && is("GET")) {
      const auto name = image_name();
      if (!is_image(name)) return refused("is not the name of an image");
      path = {"images", name, "json"};
      return pass({"manifests"});
    }
    return refused("would change or export images, which are the host's");
  }

  std::string image_name() const {
    std::string name;
    for (std::size_t i = 1; i + 1 < target_.segments.size(); ++i) {
      if (i > 1) name += '/';
      name += target_.segments[i];
    }
    return name;
  }

  Decision pull() {
    std::erase_if(target_.query, [](const auto& item) { return item.second.empty(); });
    auto name = query("fromImage");
    auto& tag = target_.query["tag"];
    const auto after_path = name.substr(name.rfind('/') + 1);
    const bool whole = after_path.find_first_of(":@") != std::string::npos;
    // Of two tags Docker takes the other one than is looked for here, and with none (an empty one at the end, too) it pulls them all.
    if (name.ends_with(':') || name.ends_with('@') || (whole && !tag.empty())) return refused("is not the name of one image to pull");
    if (!whole && tag.empty()) tag = "latest";
    if (!tag.empty()) name.append(tag.find(':') == std::string::npos ? ":" : "@").append(tag);
    if (tag.empty()) target_.query.erase("tag");
    if (query("fromImage").empty() || !is_image(name)) return refused("is not the name of an image to pull");
    return pass({"fromImage", "tag", "platform"}, Reply::pull, name);
  }

  Decision containers() {
    auto& path = target_.segments;
    if (path.size() == 2) {
      if (path[1] == "json" && is("GET"))
        return pass({"all", "limit", "size", "filters"}, Reply::container_list);
      if (path[1] == "create" && is("POST")) return create_container();
      if (path[1] == "prune" && is("POST")) return prune();
      if (!is("DELETE")) return refused("is not a call that a jail may make");
    } else if (path.size() > 3) {
      return refused("is not a call that a jail may make");
    }
    const auto id = owned_.container(path[1]);
    if (!id) return missing("container", path[1]);
    path[1] = *id;
    if (path.size() == 2) {
      if (is_true(query("link"))) return refused("would remove a link");
      target_.query.erase("link");
      return pass({"v", "force"}, Reply::container_gone, *id);
    }
    return container_call(*id);
  }

  Decision container_call(const std::string& id) {
    const auto& call = verb();
    if (call == "archive") return archive();
    if (is("GET")) {
      if (call == "json") return pass({"size"});
      if (call == "logs") {
        return pass({"stdout", "stderr", "follow", "timestamps", "tail", "since", "until", "details"},
                    Reply::stream);
      }
      if (call == "stats") return pass({"stream", "one-shot"}, Reply::stream);
      if (call == "top" || call == "changes") return pass({});  // ps_args would go to a ps on the host
    }
    if (is("POST")) {
      if (call == "start") return pass({"detachKeys"});
      if (call == "stop" || call == "restart") return pass({"t", "signal"});
      if (call == "kill") return pass({"signal"});
      if (call == "pause" || call == "unpause") return pass({});
      if (call == "wait") return pass({"condition"}, Reply::stream);
      if (call == "resize") return pass({"h", "w"});
      if (call == "attach")
        return pass({"stream", "stdin", "stdout", "stderr", "logs", "detachKeys"}, Reply::stream);
      if (call == "exec") return with_body({}, exec_body, Reply::exec_made, id);
    }
    return refused("is not a call that a jail may make");
  }

  Decision archive() {
    if (is("GET") || is("HEAD")) return pass({"path"}, Reply::stream);
    if (!is("PUT")) return refused("is not a call that a jail may make");
    auto decision = pass({"path", "noOverwriteDirNonDir", "copyUIDGID"});
    if (auto* forward = std::get_if<Forward>(&decision)) forward->upload = true;
    return decision;
  }

  Decision create_container() {
    auto name = query("name");
    if (name.starts_with('/')) name.erase(0, 1);
    if (name.empty()) {
      target_.query.erase("name");
    } else if (!is_name(name) || is_jails_name(name)) {
      return refused("is not a name for a container");
    } else {
      target_.query["name"] = name;
    }
    if (query("platform").empty()) target_.query.erase("platform");
    if (owned_.containers() >= kMostContainers)
      return refused(fmt::format("jail has {} containers already", kMostContainers), 409);
    return with_body(
        {"name", "platform"}, [&](const json& body) { return container_body(body, policy_, owned_); },
        Reply::container_made, name);
  }

  Decision exec() {
    const auto& id = target_.segments[1];
    if (!owned_.has_exec(id)) return missing("exec instance", id);
    if (verb() == "json" && is("GET")) return pass({});
    if (verb() == "resize" && is("POST")) return pass({"h", "w"});
    if (verb() == "start" && is("POST")) return with_body({}, exec_start_body, Reply::stream);
    return refused("is not a call that a jail may make");
  }

  Decision networks() {
    auto& path = target_.segments;
    if (path.size() == 1)
      return is("GET") ? pass({"filters"}, Reply::network_list)
                       : refused("is not a call that a jail may make");
    if (path.size() == 2 && path[1] == "create" && is("POST")) {
      if (owned_.networks() >= kMostNetworks)
        return refused(fmt::format("jail has {} networks already", kMostNetworks), 409);
      return with_body(
          {}, [&](const json& body) { return network_body(body, policy_); }, Reply::network_made);
    }
    if (path.size() == 2 && path[1] == "prune" && is("POST")) return prune();
    const auto id = owned_.network(path[1]);
    if (!id) return missing("network", path[1]);
    path[1] = *id;
    if (path.size() == 2 && is("GET")) return pass({"verbose", "scope"});
    if (path.size() == 2 && is("DELETE")) return pass({}, Reply::network_gone, *id);
    if (path.size() == 3 && is("POST") && verb() == "connect")
      return with_body(
          {}, [&](const json& body) { return connect_body(body, owned_); }, Reply::pass);
    if (path.size() == 3 && is("POST") && verb() == "disconnect")
      return with_body(
          {}, [&](const json& body) { return disconnect_body(body, owned_); }, Reply::pass);
    return refused("is not a call that a jail may make");
  }

  Decision volumes() {
    const auto& path = target_.segments;
    if (path.size() == 1)
      return is("GET") ? pass({"filters"}, Reply::volume_list)
                       : refused("is not a call that a jail may make");
    if (path.size() != 2) return refused("is not a call that a jail may make");
    if (path[1] == "create" && is("POST")) {
      if (owned_.volumes() >= kMostVolumes)
        return refused(fmt::format("jail has {} volumes already", kMostVolumes), 409);
      return with_body(
          {}, [&](const json& body) { return volume_body(body, policy_); }, Reply::volume_made);
    }
    if (path[1] == "prune" && is("POST")) return prune();
    if (!owned_.has_volume(path[1])) return missing("volume", path[1]);
    if (is("GET")) return pass({});
    if (is("DELETE")) return pass({"force"}, Reply::volume_gone, path[1]);
    return refused("is not a call that a jail may make");
  }

  const Request& request_;
  const Policy& policy_;
  const Owned& owned_;
  Target target_;
};

}  // namespace

Decision decide(const Request& request, const Policy& policy, const Owned& owned) {
  auto target = parse_target(request.target);
  if (!target)
    return Refusal{400, fmt::format("jailed: this path can be read in more than one way: {}",
                                    request.target.substr(0, 256))};
  return Rules(request, policy, owned, std::move(*target)).decide();
}

}  // namespace jailed::socket_proxy
