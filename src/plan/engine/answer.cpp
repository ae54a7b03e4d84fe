#include <jailed/core/nesting.hpp>
#include <jailed/plan/engine/answer.hpp>

namespace jailed::plan {
namespace {

constexpr std::size_t kLongestAnswer = 16U << 20;  // some thousands of containers
constexpr std::size_t kDeepestAnswer = 64;

}  // namespace

nlohmann::json parse_answer(std::string_view text) {
  if (text.size() > kLongestAnswer || core::nests_deeper(text, kDeepestAnswer)) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, false);
}

std::string string_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

nlohmann::json parse_config(const std::string& text) {
  auto value = nlohmann::json::parse(text, nullptr, false);
  return value.is_object() ? value : nlohmann::json::object();
}

nlohmann::json object_at(const nlohmann::json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : nlohmann::json::object();
}

}  // namespace jailed::plan
