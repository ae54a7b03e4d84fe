#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

namespace jailed::plan {

/// What a file in TOML says, as the JSON of the same meaning (dates and times as text). Discarded when it is no TOML.
nlohmann::json parse_toml(std::string_view text);

}  // namespace jailed::plan
