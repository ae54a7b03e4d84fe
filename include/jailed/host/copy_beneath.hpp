#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::host {

/// Files below a directory in which a jail writes. `relative` is followed step by step, and nothing is followed out of
/// `root`: no component below it may be a symbolic link, whoever swaps them meanwhile.

/// What a regular file holds; nothing when it is none, or longer than `most` bytes.
std::optional<std::string> read_beneath(const std::string& root, const std::string& relative, std::uint64_t most);

/// Whether there is anything of that name.
bool is_beneath(const std::string& root, const std::string& relative);

/// Makes a file, 0600, and directories on the way, 0700. False when there is one, or it cannot be written.
bool write_new_beneath(const std::string& root, const std::string& relative, std::string_view text);

/// Copies a file from below one directory to below another, which has no such file yet.
bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most);

}  // namespace jailed::host
