#pragma once
#include <optional>
#include <string>

namespace jailed::work {

/// What the caller's git ignores everywhere, from the file that its settings name. Where links lead to it, none of them may be one that a
/// running jail can change: it would have any file of the caller's read by the next jail. Nothing for what is no file, too.
std::optional<std::string> read_own_ignores(const std::string& file, const std::string& sessions);

}  // namespace jailed::work
