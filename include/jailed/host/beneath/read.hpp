#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::host {

/// For trees that something hostile may have written: no symbolic link is followed, no FIFO is waited for, no
/// file is read further than its limit. A tree's root is opened in the same way: an absolute path on which no component is a link (open_exactly).

/// Opens a regular file below `root`, checking each directory on the way.
Fd open_below(const std::string& root, std::string_view path);

/// Its content; nothing when it is missing, no regular file, or larger than `limit` bytes.
std::optional<std::string> read_below(const std::string& root, std::string_view path, std::size_t limit);

/// Calls `visit` with each entry below `directory` ("a", then "a/b"), in the order of their names; where it
/// answers false, a directory is not entered. Ends early, with false, after `limit` entries. False as well when a directory could
/// not be read, or a link is in its place: what it holds nobody has seen. Where there is none, all of it was seen.
bool walk_tree(const std::string& directory, std::size_t limit,
               const std::function<bool(const std::string& path, const struct stat& info)>& visit);

/// An entry that a walk met: `name` in `directory`, which is open while it is looked at.
struct WalkedEntry {
  const std::string& path;
  const char* name;
  int directory;
  const struct stat& info;
};

/// The same from a directory that was just opened, or not (errno). Nothing is found by a path again, so it goes as deep as the tree.
bool walk_entries(Fd root, std::size_t limit, const std::function<bool(const WalkedEntry&)>& visit);

/// The content of a regular file that a walk met; as read_below.
std::optional<std::string> read_entry(const WalkedEntry& entry, std::size_t limit);

/// Copies a regular file below `from_root` to a new file, without copying its blocks where the file system
/// can (reflink). The copy's mode is 0644, or 0755 when the owner may execute it. False when there is none.
bool copy_below(const std::string& from_root, std::string_view path, const std::string& to);

struct CopyLimits {
  std::size_t files = 200000;
  std::uint64_t bytes = std::uint64_t{4} << 30;  // on the disk; one file that is linked many times costs its owner no room
};

/// Copies the directories and regular files below `<from_root>/<path>`, which may be a file itself; git's
/// *.sample files are left out. Where there is more, core::Error says so: half of it is not taken for the whole.
void copy_tree_below(const std::string& from_root, const std::string& path, const std::string& to, const CopyLimits& limits = {});

}  // namespace jailed::host
