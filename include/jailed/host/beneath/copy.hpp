#pragma once
#include <cstdint>
#include <jailed/host/beneath/read.hpp>
#include <string>
#include <string_view>

namespace jailed::host {

/// Copies the regular file `relative` from below one directory to below another, which has no such file yet; the copy is
/// 0600, directories on the way 0700. Nothing is followed out of either: no component below them may be a symbolic link, whoever
/// swaps them meanwhile. False when there is nothing to copy, it is longer than `most` bytes, or it is there already.
bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most);

/// Makes the file `relative` below `root`, 0600, in the same way.
bool write_new_beneath(const std::string& root, const std::string& relative, std::string_view text);

/// Whether there is anything of that name below `root`.
bool is_beneath(const std::string& root, const std::string& relative);

/// Like copy_beneath, into a directory that is open: it, and the directories made on the way, are whoever's `to` is, for a caller who is
/// root. The file is 0644 and appears under its name when it is whole. True as well when it is there already.
bool give_beneath(const WalkedEntry& entry, const Fd& to, const std::string& relative);

}  // namespace jailed::host
