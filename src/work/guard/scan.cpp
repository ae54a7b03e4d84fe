#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/guard/scan.hpp>
#include <set>

namespace jailed::work {
namespace {

using host::ScannedDirectory;
using host::ScannedName;
using plan::FileState;
using plan::HostEntry;
using Kind = ScannedName::Kind;

constexpr std::size_t kMostHashed = 256U << 10;  // bytes of a file

class ProjectScan {
 public:
  ProjectScan(std::span<const HostEntry> entries, Visitor& visitor)
      : entries_(entries), index_(entries), visitor_(visitor) {}

  void run(const std::string& project, bool open_up) {
    host::ScanLimits limits;
    limits.open_up = open_up;
    limits.path = PATH_MAX;
    host::scan_tree(
        project, limits, [&](const ScannedDirectory& directory) { visit(directory); },
        [&](const std::string& path) { visitor_.unreadable(path); });
  }

 private:
  // The context of a directory: 0, or 1 + the entry of the tree that it is in, or -1 - the bulk tree.
  void visit(const ScannedDirectory& directory) {
    if (is_bare(directory) && !visitor_.bare(directory, has_only_git(directory))) {
      for (auto& name : directory.names) name.enter = false;
      return;
    }
    for (auto& name : directory.names) {
      name.context = directory.context;
      if (name.name.size() == 4 && same_name(name.name, ".git")) {
        name.enter = false;
        if (!directory.path.empty()) visitor_.repository(met(directory, name));
        continue;
      }
      if (name.kind == Kind::link && visitor_.wants_links) visitor_.link(met(directory, name));
      if (name.kind == Kind::other) visitor_.other(met(directory, name));
      if (directory.context < 0) {
        if (name.kind != Kind::directory && visitor_.wants_bulk)
          visitor_.bulk_file(met(directory, name), static_cast<std::size_t>(-1 - directory.context));
      } else if (name.kind == Kind::directory) {
        if (index_.may_be_tree(name.name)) enter_tree(directory, name);
      } else if (directory.context > 0 || index_.may_be_file(name.name)) {
        auto found = met(directory, name);
        const auto* own = index_.file(found.path);
        const auto* around =
            directory.context > 0 ? &entries_[static_cast<std::size_t>(directory.context - 1)] : nullptr;
        const auto* entry =
            own == nullptr || (around != nullptr && plan::graver(*around, *own)) ? around : own;
        if (entry != nullptr) visitor_.entry(found, *entry);
      }
    }
  }

  void enter_tree(const ScannedDirectory& directory, ScannedName& name) {
    const auto found = met(directory, name);
    const auto* entry = index_.tree(found.path);
    if (entry == nullptr) return;
    if (plan::is_bulk(*entry)) {
      // Nothing of it is remembered: what is new there shows by its change time.
      name.enter = visitor_.wants_bulk;
      visitor_.bulk.emplace_back(found.path, entry);
      name.context = -static_cast<int>(visitor_.bulk.size());
    } else {
      name.context = 1 + static_cast<int>(entry - entries_.data());
      name.enter = visitor_.tree(found, *entry);
    }
  }

  static Met met(const ScannedDirectory& directory, const ScannedName& name) {
    return {directory, name, joined(directory.path, name.name)};
  }

  // What git itself looks for (is_git_directory in its setup.c); names without regard to case, as some file
  // systems have them.
  static bool is_bare(const ScannedDirectory& directory) {
    bool head = false, objects = false, refs = false, common = false;
    for (const auto& [name, kind, enter, context] : directory.names) {
      if (name.size() == 4) head |= same_name(name, "head"), refs |= same_name(name, "refs");
      if (name.size() == 7) objects |= same_name(name, "objects");
      if (name.size() == 9) common |= same_name(name, "commondir");
    }
    return head && ((objects && refs) || common);
  }

  static bool has_only_git(const ScannedDirectory& directory) {
    static const std::set<std::string_view> known = {
        "HEAD",        "ORIG_HEAD", "FETCH_HEAD", "objects",   "refs",    "config", "config.worktree",
        "description", "hooks",     "info",       "branches",  "index",   "logs",   "packed-refs",
        "commondir",   "gitdir",    "modules",    "worktrees", "shallow", "lfs",    "COMMIT_EDITMSG",
        "gc.log",      "common",    "filter-repo"};
    return std::all_of(directory.names.begin(), directory.names.end(),
                       [](const auto& name) { return known.contains(name.name); });
  }

  std::span<const HostEntry> entries_;
  plan::HostIndex index_;
  Visitor& visitor_;
};

}  // namespace

void scan_project(const std::string& project, std::span<const HostEntry> entries, Visitor& visitor,
                  bool open_up) {
  ProjectScan(entries, visitor).run(project, open_up);
}

std::vector<HostEntry> all_entries(const std::vector<HostEntry>& named) {
  auto entries = plan::host_table();
  entries.insert(entries.end(), named.begin(), named.end());
  return entries;
}

std::string joined(const std::string& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

bool same_name(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() &&
         std::equal(name.begin(), name.end(), lower.begin(), [](char left, char right) {
           return (left >= 'A' && left <= 'Z' ? static_cast<char>(left + 32) : left) == right;
         });
}

std::string read_link(int directory, const char* name) {
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlinkat(directory, name, target.data(), target.size());
  return size < 0 ? std::string{} : std::string(target.data(), static_cast<std::size_t>(size));
}

bool leads_out_of(const std::string& project, const Met& met, const std::string& target) {
  if (plan::leads_out(project, met.path, target)) return true;
  const auto real = host::where_it_leads(met.in.directory, met.c_name(), project + "/" + met.path);
  return !real.empty() && !plan::is_within(real, project);
}

std::optional<std::string> read_small(int directory, const char* name, std::size_t limit) {
  return host::read_whole(host::Fd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)), limit);
}

FileState state_of(const struct stat& info) {
  FileState state;
  state.inode = static_cast<std::uint64_t>(info.st_ino);
  state.size = static_cast<std::uint64_t>(info.st_size);
  state.mtime = host::modification_time(info);
  state.ctime = host::change_time(info);
  state.executable = S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
  return state;
}

std::uint64_t hash_of(const core::SipKey& key, int directory, const char* name, const struct stat& info) {
  if (S_ISLNK(info.st_mode)) return core::siphash(key, "link " + read_link(directory, name)) | 1U;
  if (!S_ISREG(info.st_mode) || static_cast<std::size_t>(info.st_size) > kMostHashed) return 0;
  const auto content = read_small(directory, name, static_cast<std::size_t>(info.st_size));
  return content ? core::siphash(key, *content) | 1U : 0;  // 0 means: none
}

}  // namespace jailed::work
