#include <jailed/socket_proxy/strict_json.hpp>
#include <set>
#include <string>
#include <vector>

namespace jailed::socket_proxy {

using nlohmann::json;

std::optional<json> parse_strict(std::string_view text) {
  constexpr int kDeepest = 32;
  bool refused = false;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto look = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepest) refused = true;
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      refused = true;
    return true;
  };
  auto value = json::parse(text, look, false);
  if (refused || !value.is_object()) return std::nullopt;
  return value;
}

}  // namespace jailed::socket_proxy
