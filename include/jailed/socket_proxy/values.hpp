#pragma once
#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

/// What a field of a request may have for a value (fields.hpp), as far as several fields have the same.
namespace jailed::socket_proxy::value {

bool is_one_of(const nlohmann::json& value, std::initializer_list<std::string_view> words);

template <bool item(const nlohmann::json&)>
bool list_of(const nlohmann::json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), item);
}

bool flag(const nlohmann::json& value);
bool off(const nlohmann::json& value);
bool text(const nlohmann::json& value);
bool texts(const nlohmann::json& value);
bool number(const nlohmann::json& value);
bool positive(const nlohmann::json& value);
bool digits(const nlohmann::json& value);  // a number that is written as a text
bool sizes(const nlohmann::json& value);

/// Letters, digits and "_.-".
bool word(const nlohmann::json& value);
bool words(const nlohmann::json& value);

/// Empty in the way that every engine takes for its default.
bool empty(const nlohmann::json& value);
/// For what an empty list would switch off: only null is the default.
bool absent(const nlohmann::json& value);

bool cmd_words(const nlohmann::json& value);
bool environment(const nlohmann::json& value);
bool default_isolation(const nlohmann::json& value);
bool local_driver(const nlohmann::json& value);

/// Looked at on its own.
bool any_object(const nlohmann::json& value);
bool any_list(const nlohmann::json& value);

}  // namespace jailed::socket_proxy::value
