#pragma once
#include <sys/stat.h>

#include <jailed/core/siphash.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jailed::work {

/// A name that is met in a project.
struct Met {
  const host::ScannedDirectory& in;
  const host::ScannedName& name;
  std::string path;
  const char* c_name() const { return name.name.data(); }  // ends with a NUL in its buffer
};

/// What the walk at either end of a launch tells.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void entry(const Met& met, const plan::HostEntry& entry) = 0;
  /// A directory that is an entry with all below it. False: it need not be looked into.
  virtual bool tree(const Met& met, const plan::HostEntry& entry) = 0;
  /// Any .git but the project's own.
  virtual void repository(const Met& met) = 0;
  /// A directory that git would take for a repository. False: nothing below it needs a look.
  virtual bool bare(const host::ScannedDirectory& directory, bool nothing_else) = 0;
  virtual void link(const Met&) {}
  /// Neither file, directory nor link.
  virtual void other(const Met&) {}
  virtual void bulk_file(const Met&, std::size_t) {}
  virtual void unreadable(const std::string& path) = 0;
  std::vector<std::pair<std::string, const plan::HostEntry*>> bulk;  // trees too large to be remembered
  bool wants_links = false, wants_bulk = false;
};

/// Walks a project and tells `visitor` of what the host would run. `open_up`: directories that were closed
/// are given back to their owner.
void scan_project(const std::string& project, std::span<const plan::HostEntry> entries, Visitor& visitor,
                  bool open_up);

/// The table's entries, and those that the user's settings name.
std::vector<plan::HostEntry> all_entries(const std::vector<plan::HostEntry>& named);

/// "a/b"; `name` alone for the project itself.
std::string joined(const std::string& directory, std::string_view name);

/// Whether `name` is `lower` in some case.
bool same_name(std::string_view name, std::string_view lower);

/// A link's target; empty when it is none.
std::string read_link(int directory, const char* name);

/// Whether a link of a project leads out of it: by its text, or through other links.
bool leads_out_of(const std::string& project, const Met& met, const std::string& target);

/// A regular file's content, no link followed; nothing when it is longer than `limit`.
std::optional<std::string> read_small(int directory, const char* name, std::size_t limit);

/// What lstat told of a file or a link.
plan::FileState state_of(const struct stat& info);

/// Of its content or its target; 0 when it is too large to be read.
std::uint64_t hash_of(const core::SipKey& key, int directory, const char* name, const struct stat& info);

}  // namespace jailed::work
