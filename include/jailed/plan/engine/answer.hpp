#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {

/// What an engine or Mutagen answered in JSON. Discarded when it is none, or more or deeper than an answer ever is.
nlohmann::json parse_answer(std::string_view text);

/// The text at `key` of an object; empty when there is none.
std::string string_at(const nlohmann::json& object, const char* key);

}  // namespace jailed::plan
