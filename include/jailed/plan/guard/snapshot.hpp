#pragma once
#include <cstdint>
#include <jailed/core/siphash.hpp>
#include <jailed/plan/guard/table.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What a file was. A jail can set every time but ctime, and cannot make two contents of one hash, since it
/// does not know the key.
struct FileState {
  std::uint64_t inode = 0, size = 0;
  std::int64_t mtime = 0, ctime = 0;  // nanoseconds
  bool executable = false;
  std::uint64_t hash = 0;  // of the content, or of a link's target; 0: not computed, the file is too large
  bool same_inode_as(const FileState& other) const {
    return inode == other.inode && size == other.size && mtime == other.mtime && ctime == other.ctime &&
           executable == other.executable;
  }
  bool operator==(const FileState&) const = default;
};

/// The host's state of a project before a launch, as far as it matters to what the host would run. Paths are
/// below the project.
struct HostSnapshot {
  std::string project;
  std::int64_t started = 0;  // CLOCK_REALTIME, nanoseconds
  std::int64_t uptime = 0;   // CLOCK_BOOTTIME at the same moment: a clock that nobody sets
  core::SipKey key{};
  std::vector<HostEntry> named;      // paths that the user's own settings name
  std::vector<std::string> allowed;  // --allow-edit
  bool report_json = false;
  std::map<std::string, FileState> files;
  std::map<std::string, std::uint64_t> repositories;  // nested .git and bare-shaped directories -> identity
  std::map<std::string, std::uint64_t> mounted;       // directories that no jail can write -> identity
  std::map<std::string, std::string> copies;          // files that have a copy in the session -> its name
  std::map<std::string, std::string> leading_out;     // links that lead out of the project -> their text
  bool operator==(const HostSnapshot&) const = default;
};

/// Exact both ways; nothing for a text that is not a whole snapshot.
std::string format_snapshot(const HostSnapshot& snapshot);
std::optional<HostSnapshot> parse_snapshot(std::string_view text);

}  // namespace jailed::plan
