#include <algorithm>
#include <cctype>
#include <jailed/plan/jail/logins.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;

// "refreshToken", "refresh_token", "refresh".
bool names_refresh_token(std::string_view key) {
  std::string plain;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) plain += static_cast<char>(std::tolower(byte));
  }
  return plain == "refresh" || plain == "refreshtoken" || plain == "refreshtokens";
}

bool is_nothing(const json& value) { return value.is_null() || ((value.is_string() || value.is_structured()) && (value.empty() || value == "")); }

bool renews_itself(const json& value) {
  if (!value.is_object()) return false;
  return std::any_of(value.items().begin(), value.items().end(),
                     [](const auto& item) { return names_refresh_token(item.key()) && !is_nothing(item.value()); });
}

// Takes out every login that renews itself; whether there was one.
bool leave_out(json& value) {
  bool found = false;
  for (auto item = value.begin(); value.is_structured() && item != value.end();) {
    if (renews_itself(*item)) {
      item = value.erase(item);
      found = true;
    } else {
      if (item->is_structured() && leave_out(*item)) found = true;
      ++item;
    }
  }
  return found;
}

bool holds_something(const json& value) {
  if (!value.is_structured()) return !is_nothing(value);
  return std::any_of(value.begin(), value.end(), holds_something);
}

// Nothing: deeper than any login. Discarded: no JSON.
std::optional<json> parse_login(std::string_view text) {
  bool deep = false;
  const auto flat_enough = [&](int depth, json::parse_event_t, json&) {
    deep = deep || depth > kDeepest;
    return !deep;
  };
  auto value = json::parse(text, flat_enough, false);
  if (deep) return std::nullopt;
  return value;
}

}  // namespace

bool holds_login(std::string_view text) {
  const auto value = parse_login(text);
  if (value && !value->is_discarded()) return holds_something(*value);
  return text.find_first_not_of(" \t\r\n") != std::string_view::npos && text.find_first_of("{[") == std::string_view::npos;
}

LoginCopy login_copy(std::string_view text, std::string_view keeps) {
  auto parsed = parse_login(text);
  if (!parsed || !parsed->is_object()) return {};
  auto& value = *parsed;
  if (renews_itself(value)) return {std::nullopt, true};
  LoginCopy copy;
  copy.left_out = leave_out(value);
  if (copy.left_out && !keeps.empty()) {
    auto kept = json::object();
    if (const auto found = value.find(keeps); found != value.end()) kept[std::string(keeps)] = *found;
    value = std::move(kept);
  }
  if (holds_something(value)) copy.text = value.dump(2) + "\n";
  return copy;
}

}  // namespace jailed::plan
