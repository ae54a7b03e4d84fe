#pragma once
#include <cstdint>
#include <jailed/plan/guard/snapshot.hpp>
#include <jailed/plan/guard/table.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Whether one of the globs means the path or a directory above it.
bool is_allowed(std::span<const std::string> globs, std::string_view path);

/// Something that changed, and what is done about it.
struct Finding {
  enum class Change { added, changed, unreadable } change = Change::added;
  std::string path;  // empty: the project itself
  HostEntry entry;
  std::size_t files = 1;    // that changed, in a tree of many
  bool quarantine = false;  // is to be moved away
  // Filled in when it was done.
  std::string kept_as;    // where it is now; empty: it could not be moved
  std::string problem;    // why not, or what else went wrong with it
  std::string restore;    // a command for the shell
  bool put_back = false;  // the former content is there again
  bool operator==(const Finding&) const = default;
};

/// What is done about a change at `path`.
Finding judge(const HostSnapshot& before, const HostEntry& entry, const std::string& path,
              Finding::Change change);

/// Whether a link at `path` leads out of the project, as far as its text tells. A ".." behind a name counts
/// as out: what that name is may change.
bool leads_out(const std::string& project, std::string_view path, std::string_view target);

/// Whether a path is where a system keeps its programs, which are run and not written.
bool is_program_directory(const std::string& path);

/// The gravest first, then by path.
void sort_findings(std::vector<Finding>& findings);

/// Lines for people, without jailed's prefix; no byte of a path reaches the terminal unescaped. Each finding is named
/// before anything is done about it. Of what is to be moved the first `kMostMoved` are named, and each that stays; of the rest, the
/// first `kMostTold`.
class Report {
 public:
  static constexpr std::size_t kMostMoved = 1000;
  static constexpr std::size_t kMostTold = 25;

  /// `findings`: all that there will be, for the width of the columns. `list`: the file that names all that was moved.
  Report(const std::vector<Finding>& findings, std::string list);

  std::vector<std::string> lines_of(const Finding& finding);
  /// What came of moving it.
  std::vector<std::string> outcome_of(const Finding& finding);
  /// How many were not named.
  std::vector<std::string> last_lines() const;

 private:
  std::string line_of(const Finding& finding) const;

  std::string list_;
  std::size_t width_ = 0;
  std::size_t told_ = 0, moved_ = 0, moved_unnamed_ = 0;
  bool begun_ = false;
};

/// One line of JSON.
std::string report_json(const std::string& session, const std::string& project,
                        const std::vector<Finding>& findings);

/// A name in the quarantine that no tool obeys: "3-envrc".
std::string quarantine_name(std::size_t number, std::string_view path);

}  // namespace jailed::plan
