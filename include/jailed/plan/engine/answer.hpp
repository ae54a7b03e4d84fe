#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {

/// What an engine or Mutagen answered in JSON. Discarded when it is none, or more or deeper than an answer ever is.
nlohmann::json parse_answer(std::string_view text);

/// The text at `key` of an object; empty when there is none.
std::string string_at(const nlohmann::json& object, const char* key);

/// What a file of an engine's client holds; an empty object when it is none.
nlohmann::json parse_config(const std::string& text);

/// The object at `key` of an object; an empty one when there is none.
nlohmann::json object_at(const nlohmann::json& object, const std::string& key);

}  // namespace jailed::plan
