#pragma once
#include <cstdint>
#include <functional>
#include <jailed/core/siphash.hpp>
#include <jailed/plan/git/config.hpp>
#include <jailed/plan/guard/table.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <map>
#include <optional>
#include <span>
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

/// Whether one of the globs means the path or a directory above it.
bool is_allowed(std::span<const std::string> globs, std::string_view path);

/// Entries of what git's settings name inside the project: hooks directories, included files, programs.
/// `exists` tells whether a path below the project is there.
std::vector<HostEntry> named_by_git(const std::string& project, const std::string& git_dir,
                                    const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists);

/// Entries of the files that an .envrc at `path` reads. Best effort: an .envrc is a program.
std::vector<HostEntry> named_by_envrc(const std::string& path, std::string_view text);

/// Something that exists, and that the host would run or obey.
struct Guard {
  std::string path;
  bool directory = false;
  /// How many of the directories above must not be renamed, or the jail could put others in their place. Only
  /// those that belong to the tool: no file can be renamed across the border of a mount.
  std::size_t pinned = 0;
  bool operator==(const Guard&) const = default;
};

struct GuardSources {
  std::string view;       // the session, as the jail's user reaches it
  std::string workspace;  // the project, as the jail's user reaches it
  /// No other jail works on the project: nobody can turn a directory into a link before the engine mounts it.
  bool alone = true;
  std::string target = "/workspace";  // the project in the jail
};

struct GuardPlan {
  std::vector<BindMount> binds;     // in the order in which they must be made
  std::vector<std::string> copies;  // files that are mounted as copies guard/0, guard/1 … of the session
  std::size_t unguarded = 0;        // found out at the end only
  bool operator==(const GuardPlan&) const = default;
};

/// Read-only mounts; bounded in number, those nearest to the project's root first. `others`: what is mounted
/// in the workspace already.
GuardPlan plan_guards(std::vector<Guard> guards, const GuardSources& sources,
                      const std::vector<BindMount>& others);

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
/// before anything is done about it. Everything that is to be moved is named; of the rest, the first `most`.
class Report {
 public:
  /// `findings`: all that there will be, for the width of the columns.
  explicit Report(const std::vector<Finding>& findings, std::size_t most = 25);

  std::vector<std::string> lines_of(const Finding& finding);
  /// What came of moving it.
  static std::vector<std::string> outcome_of(const Finding& finding);
  /// How many were not named.
  std::optional<std::string> last_line() const;

 private:
  std::size_t most_;
  std::size_t width_ = 0;
  std::size_t shown_ = 0;
  bool begun_ = false;
};

/// One line of JSON.
std::string report_json(const std::string& session, const std::string& project,
                        const std::vector<Finding>& findings);

/// A name in the quarantine that no tool obeys: "3-envrc".
std::string quarantine_name(std::size_t number, std::string_view path);

}  // namespace jailed::plan
