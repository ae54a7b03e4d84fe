#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

namespace jailed::plan {

/// What an engine or Mutagen answered in JSON. Discarded when it is none, or more or deeper than an answer ever is.
nlohmann::json parse_answer(std::string_view text);

}  // namespace jailed::plan
