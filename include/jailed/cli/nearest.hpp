#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::cli {

/// The candidate that was probably meant: the one with the fewest edits, if those are few for its length.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace jailed::cli
