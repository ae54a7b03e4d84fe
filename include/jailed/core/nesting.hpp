#pragma once
#include <cstddef>
#include <string_view>

namespace jailed::core {

/// Whether lists and objects in a text of JSON lie deeper in one another than that. Looked at before it is parsed: values are copied, printed
/// and removed by recursion.
bool nests_deeper(std::string_view json, std::size_t most);

}  // namespace jailed::core
