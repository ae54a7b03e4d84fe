#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// `<config>/sync.json`: {"ignore": ["/dist", "*.log"]}, in Mutagen's own pattern language.
struct SyncSettings {
  std::vector<std::string> ignores;
  bool operator==(const SyncSettings&) const = default;
};

/// `file` is for the messages. Throws UsageError when it is not that.
SyncSettings parse_sync_settings(const std::string& file, std::string_view text);

/// Counts the files in directories that tools make anew: node_modules, target, .venv. Sees every entry of a
/// tree, in the order of host::walk_tree.
class RebuiltFiles {
 public:
  void see(const std::string& path, bool directory);

  struct Directory {
    std::uint64_t files = 0;
    bool below = false;  // there are some deeper in the tree as well
    bool operator==(const Directory&) const = default;
  };
  const std::map<std::string, Directory>& by_name() const { return found_; }

 private:
  bool is_rebuilt(std::string_view parent, std::string_view name) const;

  std::map<std::string, Directory> found_;
  std::set<std::string> crates_;  // directories with a Cargo.toml or a pom.xml
  std::string inside_;            // the one that is being counted, with a / at its end
};

/// Whether a first sync of so many files that took so long is worth a look at what is in them.
bool is_slow_tree(std::uint64_t files, double seconds);

/// What to write into `file` so that the next first sync is quicker; nothing when there is nothing to leave out.
struct SlowTreeNote {
  std::string message;
  std::string next_step;
};
std::optional<SlowTreeNote> slow_tree_note(std::uint64_t files, const RebuiltFiles& rebuilt,
                                           const SyncSettings& settings, const std::string& file);

}  // namespace jailed::plan
