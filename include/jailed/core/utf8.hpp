#pragma once
#include <string_view>

namespace jailed::core {

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace jailed::core
