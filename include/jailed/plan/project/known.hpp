#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A project that had a jail, and how its directory is known again under another name.
struct KnownProject {
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::int64_t born = 0;  // nanoseconds; 0: the file system does not tell
  bool operator==(const KnownProject&) const = default;
};

/// The same directory. By its birth where that is known: the number of a device is another one after a restart.
bool is_same_directory(const KnownProject& one, const KnownProject& other);

struct NotedProject {
  std::vector<KnownProject> known;   // the last ones come first; bounded
  bool changed = false;              // against what was known before
  std::vector<std::string> former;   // paths under which the directory was known, when its own is new
};
NotedProject note_project(std::vector<KnownProject> known, const KnownProject& now);

/// JSON; of another text nothing is read.
std::string format_known_projects(const std::vector<KnownProject>& known);
std::vector<KnownProject> parse_known_projects(std::string_view text);

/// A link at the top of a project and where it leads: absolute and free of links.
struct ProjectLink {
  std::string name;
  std::string target;
  bool directory = false;
};

/// What a jail says of links that lead out of its projects, in one line; empty when there is nothing to say. What leads
/// into the system is there in the jail or is not the user's.
struct LinkView {
  std::vector<std::string> projects;  // all of the jail, the first one first
  std::string home;
  std::string options;   // with which `jailed` has its projects at their own paths
  bool helps = true;     // naming the target makes the link lead there
};
std::string links_out_line(const std::vector<ProjectLink>& links, const LinkView& view);

}  // namespace jailed::plan
