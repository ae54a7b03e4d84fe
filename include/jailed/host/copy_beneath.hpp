#pragma once
#include <cstdint>
#include <string>

namespace jailed::host {

/// Copies the regular file `relative` from below one directory to below another, which has no such file yet; the copy is
/// 0600, directories on the way 0700. Nothing is followed out of either: no component below them may be a symbolic link, whoever
/// swaps them meanwhile. False when there is nothing to copy, it is longer than `most` bytes, or it is there already.
bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most);

}  // namespace jailed::host
