#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <jailed/host/fd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jailed::host {

/// A name in a directory, with what the directory itself tells of it: no file is looked at.
struct ScannedName {
  std::string_view name;
  enum class Kind { file, directory, link, other } kind = Kind::other;
  /// For directories, to be changed by the visitor: whether to go in, and with which context.
  bool enter = false;
  int context = 0;
};

/// A directory of a scan. `path` is empty for the root; `directory` is open.
struct ScannedDirectory {
  const std::string& path;
  int directory;
  int context;
  std::span<ScannedName> names;  // in no order; directories are entered unless the visitor says otherwise
};

struct ScanLimits {
  std::size_t names = 5000000;
  std::size_t depth = 200;
  /// Gives the owner back the right to read a directory that somebody closed.
  bool open_up = false;
};

/// Walks a tree that something hostile may write meanwhile: no symbolic link is followed. Fast: two or three
/// system calls a directory. `unreadable` is told of each directory that could not be read to its end, or
/// that is beyond the limits.
void scan_tree(const std::string& root, const ScanLimits& limits,
               const std::function<void(const ScannedDirectory&)>& visit,
               const std::function<void(const std::string& path)>& unreadable);

/// Opens the directory `path` below `root` (empty: the root itself), each step without following links.
Fd open_directory_below(const std::string& root, std::string_view path);

/// Moves `path` below `root` to the new place `to`, whatever it is, across file systems as well. Nothing of
/// it is opened but directories, to copy them. Nothing when it was done, else the system's reason.
std::optional<std::string> move_below(const std::string& root, std::string_view path, const std::string& to);

/// Copies the regular file `from` to the new file `path` below `root`. False when it cannot be done.
bool put_below(const std::string& from, const std::string& root, std::string_view path);

/// What tells a file or directory (not followed when it is a link) from every other one, also from one made
/// later that got its inode: that, and its time of birth where the file system keeps it. 0: it is not there.
std::uint64_t identity_of(int directory, const char* name);
std::uint64_t identity_of(int file);

/// Nanoseconds of clocks: of the day as files get it, and one that runs on while the machine sleeps and that
/// nobody sets.
std::int64_t file_clock();
std::int64_t uptime_clock();
std::int64_t change_time(const struct stat& info);
std::int64_t modification_time(const struct stat& info);

}  // namespace jailed::host
