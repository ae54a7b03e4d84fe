#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <jailed/socket_proxy/cleanup.hpp>
#include <jailed/socket_proxy/names.hpp>
#include <jailed/socket_proxy/target.hpp>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace jailed::socket_proxy {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience(30);
constexpr std::chrono::seconds kPatienceWithNobody(3);  // with an engine that does not answer
constexpr std::chrono::seconds kAnswerPatience(20);     // with a question; to remove what is large takes its time
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
  const auto answer = engine.ask({.method = "GET", .target = format_target(target)}, kAnswerPatience);
  const auto value = json::parse(answer.body, nullptr, false);
  if (!answer.ok() || value.is_discarded()) return std::nullopt;
  const auto list = kind == "volumes" ? value.value("Volumes", json::array()) : value;
  std::vector<std::string> names;
  for (const auto& entry : list) {
    if (auto name = entry.at(key).get<std::string>(); is_name(name)) names.push_back(std::move(name));
  }
  return names;
}

void remove_one(const Upstream& engine, const std::string& kind, const std::string& name) {
  Target target{.version = {}, .segments = {kind, name}, .query = {}};
  if (kind == "containers") target.query = {{"force", "1"}, {"v", "1"}};
  engine.ask({.method = "DELETE", .target = format_target(target)});
}

// Its name may be another's by now; ids come once.
bool is_sessions_volume(const Upstream& engine, const std::string& name, const std::string& session) {
  const auto answer = engine.ask({.method = "GET", .target = format_target({.version = {}, .segments = {"volumes", name}, .query = {}})}, kAnswerPatience);
  const auto value = json::parse(answer.body, nullptr, false);
  const auto labels = value.is_object() ? value.value("Labels", json::object()) : json::object();
  return answer.ok() && labels.is_object() && labels.value(kSiblingLabel, "") == session;
}

bool remove_all(const Upstream& engine, const std::string& kind, const std::string& key,
                const std::string& session) {
  const auto names = labelled(engine, kind, key, session);
  if (!names) return false;
  for (const auto& name : *names) remove_one(engine, kind, name);
  return names->empty();
}

// What the engine says to one of these does not matter: it is asked for what is left.
void remove_known(const Upstream& engine, const std::string& session, const Owned& made) {
  for (const auto& id : made.container_ids()) {
    if (is_name(id)) remove_one(engine, "containers", id);
  }
  for (const auto& id : made.network_ids()) {
    if (is_name(id)) remove_one(engine, "networks", id);
  }
  for (const auto& name : made.volume_names()) {
    if (is_name(name) && is_sessions_volume(engine, name, session)) remove_one(engine, "volumes", name);
  }
}

bool remove_once(const Upstream& engine, const std::string& session) {
  // Containers first: a network or volume in use cannot go.
  const bool containers = remove_all(engine, "containers", "Id", session);
  const bool networks = remove_all(engine, "networks", "Id", session);
  const bool volumes = remove_all(engine, "volumes", "Name", session);
  return containers && networks && volumes;
}

}  // namespace

bool remove_siblings(const Upstream& engine, const std::string& session, const Owned& made) {
  const auto begin = std::chrono::steady_clock::now();
  bool known_are_removed = false;
  while (true) {
    auto patience = kPatience;
    try {
      if (!known_are_removed) {
        engine.ask({.method = "GET", .target = "/_ping"}, kAnswerPatience);
        known_are_removed = true;
        remove_known(engine, session, made);
      }
      if (remove_once(engine, session)) return true;
    } catch (const boost::system::system_error& error) {
      if (error.code() == boost::asio::error::timed_out) return false;
      patience = kPatienceWithNobody;  // it may come back
    } catch (const std::exception&) {
      patience = kPatienceWithNobody;
    }
    if (std::chrono::steady_clock::now() - begin > patience) return false;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace jailed::socket_proxy
