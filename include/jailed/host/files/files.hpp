#pragma once
#include <sys/stat.h>

#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::host {

/// Paths are strings of bytes: file names need not be UTF-8. Failures that are not named here are core::Error
/// with the system's reason.

std::optional<struct stat> lstat_of(const std::string& path);

/// Absolute and free of symbolic links; on failure empty and `reason` says why.
std::string canonical(const std::string& path, std::string& reason);

/// The same for a path whose last components may not exist yet.
std::string canonical_as_far_as_it_exists(const std::string& path);

/// The first symbolic link that is met on the way to `path` and belongs neither to `caller` nor to root;
/// links that links lead to are looked at as well. Empty when there is none.
std::string foreign_symlink(const std::string& path, uid_t caller);

bool can_enter_and_read(const std::string& directory);

/// Makes the directory and its missing parents, each with mode 0700.
void make_private_directories(const std::string& path);

/// A new file; refuses one that is there already.
void write_new_file(const std::string& path, std::string_view content, mode_t mode);

/// More than any file has that jailed reads as a whole.
inline constexpr std::size_t kLongestFile = std::size_t{64} << 20;

/// What is left to read of an open file; nothing when it cannot be read, or has more than `limit` bytes.
std::optional<std::string> read_whole(const Fd& file, std::size_t limit);

/// The whole file; nothing when it cannot be read, or has more than `limit` bytes. Follows links: of what somebody hostile may have
/// written, host/beneath/read.hpp.
std::optional<std::string> read_file(const std::string& path, std::size_t limit = kLongestFile);

/// At most `count` bytes from the beginning of a file; empty when it cannot be read.
std::string read_beginning(const std::string& path, std::size_t count);

/// Takes blocks of the disk for what will be written to the end of a file, or behind it, for what will be appended. 0, or the
/// reason (errno) why there are none left; 0 as well where a file system has no such thing (macOS).
int allocate(int file, std::size_t bytes, bool beyond_the_end);

/// Another name by which `path` stays in reach of this process once the directories above it no longer are (Linux; else `path`).
/// Empty, with errno, where it cannot be reached.
std::string held_in_reach(const std::string& path);

/// Names in a directory, without . and ..; none when it cannot be read.
std::vector<std::string> list_directory(const std::string& path);

/// Removes a directory and all below it without following symbolic links. Best effort.
void remove_tree(const std::string& path);

/// Takes an exclusive lock on a directory without waiting; no fd when another process holds it.
/// The lock goes with the fd, so also after kill -9.
Fd try_lock_directory(const std::string& path);
/// The same together with others that share it.
Fd try_share_directory(const std::string& path);

/// A directory with a random name that goes with its owner; mode 0700. One that a killed jailed left goes with the next of its kind: it is
/// locked for as long as somebody has it.
class TemporaryDirectory {
 public:
  /// `prefix`: in a directory that others use as well, one that nobody else would take.
  TemporaryDirectory(const std::string& parent, const std::string& prefix);
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { remove_tree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  Fd lock_;
};

/// `count` random bytes in hex.
std::string random_hex(std::size_t count);

}  // namespace jailed::host
