#include <fmt/format.h>

#include <chrono>
#include <jailed/socket_proxy/bodies.hpp>
#include <jailed/socket_proxy/cleanup.hpp>
#include <jailed/socket_proxy/target.hpp>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience(30);
constexpr std::chrono::seconds kPatienceWithNobody(3);  // with an engine that does not answer
constexpr auto kPause = std::chrono::milliseconds(100);

// What carries the label, or nothing when the engine does not say.
std::optional<std::vector<std::string>> labelled(const Upstream& engine, const std::string& kind,
                                                 const std::string& key, const std::string& session) {
  const json filters = {{"label", json::array({fmt::format("{}={}", kSiblingLabel, session)})}};
  Target target{.version = {}, .segments = {kind}, .query = {{"filters", filters.dump()}}};
  if (kind == "containers") {
    target.segments.emplace_back("json");
    target.query.emplace("all", "1");
  }
  const auto answer = engine.ask({.method = "GET", .target = format_target(target)});
  const auto value = json::parse(answer.body, nullptr, false);
  if (!answer.ok() || value.is_discarded()) return std::nullopt;
  const auto list = kind == "volumes" ? value.value("Volumes", json::array()) : value;
  std::vector<std::string> names;
  for (const auto& entry : list) {
    if (auto name = entry.at(key).get<std::string>(); is_name(name)) names.push_back(std::move(name));
  }
  return names;
}

bool remove_all(const Upstream& engine, const std::string& kind, const std::string& key,
                const std::string& session) {
  const auto names = labelled(engine, kind, key, session);
  if (!names) return false;
  for (const auto& name : *names) {
    Target target{.version = {}, .segments = {kind, name}, .query = {}};
    if (kind == "containers") target.query = {{"force", "1"}, {"v", "1"}};
    engine.ask({.method = "DELETE", .target = format_target(target)});
  }
  return names->empty();
}

bool remove_once(const Upstream& engine, const std::string& session) {
  // Containers first: a network or volume in use cannot go.
  const bool containers = remove_all(engine, "containers", "Id", session);
  const bool networks = remove_all(engine, "networks", "Id", session);
  const bool volumes = remove_all(engine, "volumes", "Name", session);
  return containers && networks && volumes;
}

}  // namespace

bool remove_siblings(const Upstream& engine, const std::string& session) {
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    auto patience = kPatience;
    try {
      if (remove_once(engine, session)) return true;
    } catch (const std::exception&) {
      patience = kPatienceWithNobody;  // it may come back
    }
    if (std::chrono::steady_clock::now() - begin > patience) return false;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace jailed::socket_proxy
