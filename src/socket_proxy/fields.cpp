#include <fmt/format.h>

#include <algorithm>
#include <jailed/socket_proxy/fields.hpp>

namespace jailed::socket_proxy {
namespace {

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace

bool object_with(const nlohmann::json& value, std::span<const Field> fields) {
  if (!value.is_object()) return false;
  for (const auto& [name, item] : value.items()) {
    const auto* field = find_field(fields, name);
    if (field == nullptr || (!item.is_null() && !field->check(item))) return false;
  }
  return true;
}

void refuse(std::string_view where, std::string_view name, std::string_view why) {
  throw BodyRefused{fmt::format("{}{} {}", where, name.substr(0, 64), why)};
}

nlohmann::json known(const nlohmann::json& object, std::span<const Field> fields, std::string_view where) {
  if (!object.is_object()) refuse(where, "", "is not an object");
  nlohmann::json kept = nlohmann::json::object();
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    const auto* field = find_field(fields, name);
    if (field == nullptr) refuse(where, name, "is not a field that a jail may set");
    if (!field->check(value)) refuse(where, name, "has a value that a jail may not set");
    kept[name] = value;
  }
  return kept;
}

}  // namespace jailed::socket_proxy
