#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/git/worktrees.hpp>
#include <jailed/work/guard/changes.hpp>
#include <jailed/work/guard/scan.hpp>
#include <set>
#include <unordered_map>

namespace jailed::work {
namespace {

using host::ScannedDirectory;
using plan::FileState;
using plan::Finding;
using plan::HostEntry;
using plan::HostSnapshot;
using Kind = host::ScannedName::Kind;

constexpr std::size_t kMostFound = 32U << 20;  // bytes, of those to be moved and of the rest; what is beyond comes in another round
constexpr std::size_t kOfFinding = 500;        // what each takes beside its path

class ChangeFinder : public Visitor {
 public:
  ChangeFinder(const HostSnapshot& before, const std::string& part) : before_(before), worktrees_(part) {
    wants_links = wants_bulk = true;
    for (const auto& [path, state] : before.files) known_files_.emplace(state.inode, &state);
    for (const auto& [path, identity] : before.mounted) read_only_.insert(identity);
    started_ = before.started;
    // Somebody set the clock back meanwhile: then the jail's files are older than they should be.
    constexpr std::int64_t second = 1000000000;
    const auto elapsed = host::uptime_clock() - before.uptime;
    const auto then = host::file_clock() - elapsed;
    if (elapsed >= 0 && then < started_ - second) started_ = then;
  }

  void entry(const Met& met, const HostEntry& entry) override {
    const auto known = before_.files.find(met.path);
    if (known == before_.files.end()) {
      if (!is_old(met) && !moved_along(met)) add(entry, met.path, Finding::Change::added);
    } else if (changed(met, known->second)) {
      add(entry, met.path, Finding::Change::changed);
    }
  }

  bool tree(const Met& met, const HostEntry&) override { return !is_mounted(met); }

  void repository(const Met& met) override {
    const auto& entry = plan::host_shape(".git");
    if (met.name.kind != Kind::directory) {
      if (!is_of_worktree(met)) this->entry(met, entry);
      return;
    }
    const auto identity = host::identity_of(met.in.directory, met.c_name());
    const auto known = before_.repositories.find(met.path);
    if (met.in.context < 0) {
      // Git needs no right to list it.
      const auto inside = host::open_even_closed(met.in.directory, met.c_name(), host::kOpenDirectory, S_IRUSR | S_IXUSR);
      if (inside) host::is_searchable(inside.get(), S_IRUSR | S_IXUSR);
      if (is_new(inside.get(), "HEAD")) {
        add(entry, met.path, Finding::Change::added);
      } else {
        look_into(met.path, entry);
      }
    } else if (known == before_.repositories.end()) {
      // The same one under another name, if a directory above it was renamed.
      if (!read_only_.contains(identity)) add(entry, met.path, Finding::Change::added);
    } else if (known->second != identity) {
      add(entry, met.path, Finding::Change::changed);
    } else if (!is_mounted(met)) {
      look_into(met.path, entry);
    }
  }

  bool bare(const ScannedDirectory& directory, bool nothing_else) override {
    const auto& entry = plan::host_shape("(bare)");
    if (directory.context < 0) {
      const auto* head = head_of(directory);
      if (!is_new(directory.directory, head)) {
        look_into(directory.path, entry);
        return true;
      }
      add(entry, nothing_else ? directory.path : joined(directory.path, head), Finding::Change::added);
      return !nothing_else;
    }
    const auto identity = host::identity_of(directory.directory);
    const auto known = before_.repositories.find(directory.path);
    if (known != before_.repositories.end() && known->second == identity) {
      const auto mounted = before_.mounted.find(directory.path);
      if (mounted != before_.mounted.end() && mounted->second == identity) return false;
      look_into(directory.path, entry);
      return true;
    }
    const auto change =
        known == before_.repositories.end() ? Finding::Change::added : Finding::Change::changed;
    if (nothing_else && !directory.path.empty()) {
      add(entry, directory.path, change);
      return plan::is_allowed(before_.allowed, directory.path);
    }
    // Among other files: without its HEAD it is no repository any more.
    add(entry, joined(directory.path, head_of(directory)), change);
    return true;
  }

  void link(const Met& met) override {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    const auto target = read_link(met.in.directory, met.c_name());
    // Made in the last moment before the jail it has a time as one that was made in it.
    const auto known = before_.leading_out.find(met.path);
    if (known != before_.leading_out.end() && known->second == target) return;
    const bool old = host::change_time(info) < started_;
    if (old && !is_led_elsewhere(met, target)) return;
    if (!leads_out_of(before_.project, met, target)) return;
    const auto real = host::where_it_leads(met.in.directory, met.c_name(), before_.project + "/" + met.path);
    const bool is_python = met.in.context < 0 && met.name.name.starts_with("python");
    const bool harmless =
        real.empty() ? cannot_be_made(plan::resolve_path(before_.project + "/" + met.in.path, target))
                     : plan::is_program_directory(real) && (is_python || cannot_write(real));
    if (harmless) return;
    // Of links in such trees nothing is remembered: it may have led there before.
    add(plan::host_shape("(link)"), met.path, Finding::Change::added, !old || met.in.context >= 0);
  }

  void bulk_file(const Met& met, std::size_t tree) override {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        host::change_time(info) < started_)
      return;
    if (counts_.size() <= tree) counts_.resize(tree + 1);
    ++counts_[tree];
  }

  void unreadable(const std::string& path) override {
    add(plan::host_shape("(bare)"), path, Finding::Change::unreadable);
  }

  Changes finish() {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      const auto& [path, entry] = bulk[i];
      add(*entry, path, Finding::Change::changed, true, counts_[i]);
    }
    // One thing found twice, as a link that is an entry: the graver word.
    plan::sort_findings(findings_);
    std::set<std::string> seen;
    std::erase_if(findings_, [&](const auto& finding) { return !seen.insert(finding.path).second; });
    return {std::move(findings_), more_to_move_, more_to_tell_};
  }

 private:
  // What leads a worktree of the jail to a repository of the jail. Gone here: the homecoming writes one of its own.
  bool is_of_worktree(const Met& met) {
    if (before_.files.contains(met.path) || met.name.kind != Kind::file) return false;
    const auto content = read_small(met.in.directory, met.c_name(), 4096);
    return content && worktrees_.wrote(met.path, *content) && ::unlinkat(met.in.directory, met.c_name(), 0) == 0;
  }

  void add(const HostEntry& entry, const std::string& path, Finding::Change change, bool may_move = true, std::size_t files = 1) {
    auto finding = plan::judge(before_, entry, path, change);
    finding.quarantine = finding.quarantine && may_move;
    finding.files = files;
    auto& bytes = finding.quarantine ? to_move_ : to_tell_;
    bytes += path.size() + kOfFinding;
    if (bytes <= kMostFound) {
      findings_.push_back(std::move(finding));
    } else {
      ++(finding.quarantine ? more_to_move_ : more_to_tell_);
    }
  }

  bool changed(const Met& met, const FileState& known) const {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const auto now = state_of(info);
    if (now.same_inode_as(known)) return false;
    if (known.hash == 0 || now.size != known.size || now.executable != known.executable) return true;
    return hash_of(before_.key, met.in.directory, met.c_name(), info) != known.hash;
  }

  static const char* head_of(const ScannedDirectory& directory) {
    for (const auto& name : directory.names) {
      if (same_name(name.name, "head")) return name.name.data();
    }
    return "HEAD";
  }

  static bool cannot_write(const std::string& path) {
    return ::geteuid() != 0 && ::access(path.c_str(), W_OK) != 0;
  }

  // A path that has a meaning in the jail only, as /workspace and its home: nothing here would make it.
  static bool cannot_be_made(std::string path) {
    while (path.size() > 1 && !host::lstat_of(path)) path.resize(std::max<std::size_t>(path.rfind('/'), 1));
    return path == "/" || path == "/home" || cannot_write(path);
  }

  // In trees of which nothing is remembered a repository is new if its HEAD is.
  bool is_new(int repository, const char* head) const {
    struct stat info {};
    return ::fstatat(repository, head, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           host::change_time(info) >= started_;
  }

  // In a tree of which nothing is remembered.
  bool is_old(const Met& met) const {
    struct stat info {};
    return met.in.context < 0 && ::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           host::change_time(info) < started_;
  }

  // An old relative link whose directory, or one above, was renamed since leads elsewhere, without a change of its own.
  bool is_led_elsewhere(const Met& met, const std::string& target) {
    if (target.starts_with('/') || !is_moved(met.in)) return false;
    const auto known = before_.leading_out.find(met.path);
    return known == before_.leading_out.end() || known->second != target;
  }

  // Renaming a directory changes its own time, as does every new name in it.
  bool is_moved(const ScannedDirectory& directory) {
    struct stat info {};
    if (!directory.path.empty() && (::fstat(directory.directory, &info) != 0 || host::change_time(info) >= started_))
      return true;
    std::string_view path = directory.path;
    std::vector<std::string> passed;
    bool moved = false;
    while (!moved && path.find('/') != std::string_view::npos) {
      path = path.substr(0, path.rfind('/'));
      std::string above(path);
      if (const auto known = moved_.find(above); known != moved_.end()) {
        moved = known->second;
        break;
      }
      const auto opened = host::open_directory_below(before_.project, above);
      moved = !opened || ::fstat(opened.get(), &info) != 0 || host::change_time(info) >= started_;
      passed.push_back(std::move(above));
    }
    for (auto& above : passed) moved_.emplace(std::move(above), moved);
    return moved;
  }

  // Untouched, only that a directory above has another name.
  bool moved_along(const Met& met) const {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const auto now = state_of(info);
    const auto known = known_files_.find(now.inode);
    return known != known_files_.end() && now.same_inode_as(*known->second);
  }

  // Out of the jail's reach, and still the same directory: what changed there, the host changed.
  bool is_mounted(const Met& met) const {
    const auto mounted = before_.mounted.find(met.path);
    return mounted != before_.mounted.end() &&
           host::identity_of(met.in.directory, met.c_name()) == mounted->second;
  }

  // A repository that was there before and that the jail could write: settings, hooks, operations at work.
  void look_into(const std::string& repository, const HostEntry& entry) {
    const bool whole =
        host::walk_entries(host::open_directory_below(before_.project, repository), host::ScanLimits{}.names,
                    [&](const host::WalkedEntry& entry_below) {
                      const auto& [path, name_below, directory_below, info] = entry_below;
                      static const std::set<std::string, std::less<>> inert = {
                          "objects", "refs",        "logs",       "index",       "HEAD",          "ORIG_HEAD",
                          "lfs",     "packed-refs", "FETCH_HEAD", "description", "COMMIT_EDITMSG"};
                      const bool is_inert = inert.contains(path);
                      if (S_ISDIR(info.st_mode)) return !is_inert;
                      if (host::change_time(info) >= started_ && (!is_inert || !S_ISREG(info.st_mode)))
                        add(entry, joined(repository, path), Finding::Change::changed);
                      return false;
                    });
    if (!whole) unreadable(repository);
  }

  const HostSnapshot& before_;
  GitfilesOfJail worktrees_;
  std::int64_t started_ = 0;
  std::unordered_map<std::uint64_t, const FileState*> known_files_;
  std::set<std::uint64_t> read_only_;
  std::unordered_map<std::string, bool> moved_;  // directories: whether they, or one above, were renamed since
  std::vector<Finding> findings_;
  std::size_t to_move_ = 0, to_tell_ = 0, more_to_move_ = 0, more_to_tell_ = 0;
  std::vector<std::size_t> counts_;
};

}  // namespace

Changes find_changes(const HostSnapshot& before, const std::string& part) {
  ChangeFinder finder(before, part);
  const auto entries = all_entries(before.named);
  scan_project(before.project, entries, finder, true);
  return finder.finish();
}

}  // namespace jailed::work
