#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::host {

struct ScanLimits {
  std::size_t names = 5000000;
  std::size_t depth = 20000;
  std::size_t path = 32768;  // bytes: no tool comes that far by a path
  /// Gives the owner back the right to read a directory that somebody closed.
  bool open_up = false;
};

/// Walks a tree that something hostile may write meanwhile: no symbolic link is followed, on the way to its root neither. Fast: three or four
/// system calls a directory. `unreadable` is told of each directory that could not be read to its end, or
/// that is beyond the limits.
void scan_tree(const std::string& root, const ScanLimits& limits,
               const std::function<void(const ScannedDirectory&)>& visit,
               const std::function<void(const std::string& path)>& unreadable);

/// Opens the directory `path` below `root` (empty: the root itself), each step without following links, from / on.
Fd open_directory_below(const std::string& root, std::string_view path);

/// The names in the directory `path` below `root`; none when it cannot be read, or holds more than that.
std::vector<std::string> names_below(const std::string& root, std::string_view path, std::size_t most = 10000);

/// What lstat says of `path` below `root`; nothing when it cannot be reached without following a link.
std::optional<struct stat> stat_below(const std::string& root, std::string_view path);

/// Takes all rights from a directory of one's own, and from nothing else that may be at its place by now.
void close_directory(const std::string& path);

/// Moves `path` below `root` to the new place `to`, whatever it is, across file systems as well. Nothing of
/// it is opened but directories and files, to copy them. Nothing when it was done, else the system's reason; then
/// nothing is lost: it is where it was, or what could not be removed there is at `to` as well.
std::optional<std::string> move_below(const std::string& root, std::string_view path, const std::string& to);

/// Copies the regular file `from` to the new file `path` below `root`. False when it cannot be done.
bool put_below(const std::string& from, const std::string& root, std::string_view path);

/// What tells a file or directory (not followed when it is a link) from every other one, also from one made
/// later that got its inode: that, and its time of birth where the file system keeps it. 0: it is not there.
std::uint64_t identity_of(int directory, const char* name);
std::uint64_t identity_of(int file);

/// When a file was made (not followed when it is a link), in nanoseconds; 0 where the file system does not keep it.
std::int64_t birth_of(const std::string& path);

/// The real path of what the link `name` in `directory` leads to; `path` is the link's own. Empty when it leads nowhere.
std::string where_it_leads(int directory, const char* name, const std::string& path);

/// Nanoseconds of clocks: of the day as files get it, and one that runs on while the machine sleeps and that
/// nobody sets.
std::int64_t file_clock();
std::int64_t uptime_clock();
std::int64_t change_time(const struct stat& info);
std::int64_t modification_time(const struct stat& info);

}  // namespace jailed::host
