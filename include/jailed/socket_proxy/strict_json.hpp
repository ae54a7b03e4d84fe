#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace jailed::socket_proxy {

/// One JSON object. Nothing for anything else, for a key that comes twice in one object (parsers differ in
/// which one they take), for text that is not UTF-8 and for more than 32 levels.
std::optional<nlohmann::json> parse_strict(std::string_view text);

}  // namespace jailed::socket_proxy
