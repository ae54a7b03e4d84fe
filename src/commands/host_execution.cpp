#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iostream>
#include <jailed/commands/host_execution.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/scan.hpp>
#include <jailed/host/tree.hpp>
#include <jailed/plan/project.hpp>
#include <set>
#include <unordered_map>

namespace jailed::commands {
namespace {

using host::ScannedDirectory;
using host::ScannedName;
using plan::FileState;
using plan::Finding;
using plan::HostEntry;
using plan::HostSnapshot;
using Kind = ScannedName::Kind;

constexpr std::size_t kMostHashed = 256U << 10;  // bytes of a file
constexpr std::size_t kMostRemembered = 20000;   // files with a hash
constexpr std::size_t kMostCopied = 1U << 20;    // bytes of a file
constexpr std::size_t kMostShown = 25;
constexpr std::size_t kSmall = 1 << 20;
constexpr std::size_t kSnapshot = 256U << 20;

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

std::optional<std::string> read_small(int directory, const char* name, std::size_t limit) {
  const host::Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string content(limit + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const auto count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > limit) return std::nullopt;
  content.resize(size);
  return content;
}

// What lstat tells; `info` is of a file or a link.
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

// What is met in a project: the one walk behind both ends of a launch.
struct Met {
  const ScannedDirectory& in;
  const ScannedName& name;
  std::string path;
  const char* c_name() const { return name.name.data(); }  // ends with a NUL in its buffer
};

class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void entry(const Met& met, const HostEntry& entry) = 0;
  /// A directory that is an entry with all below it. False: it need not be looked into.
  virtual bool tree(const Met& met, const HostEntry& entry) = 0;
  /// Any .git but the project's own.
  virtual void repository(const Met& met) = 0;
  /// A directory that git would take for a repository. False: nothing below it needs a look.
  virtual bool bare(const ScannedDirectory& directory, bool nothing_else) = 0;
  virtual void link(const Met&) {}
  virtual void bulk_file(const Met&, std::size_t) {}
  virtual void unreadable(const std::string& path) = 0;
  std::vector<std::pair<std::string, const HostEntry*>> bulk;  // trees too large to be remembered
  bool wants_links = false, wants_bulk = false;
};

class ProjectScan {
 public:
  ProjectScan(std::span<const HostEntry> entries, Visitor& visitor)
      : entries_(entries), index_(entries), visitor_(visitor) {}

  void run(const std::string& project, bool open_up) {
    host::ScanLimits limits;
    limits.open_up = open_up;
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

std::vector<HostEntry> all_entries(const std::vector<HostEntry>& named) {
  auto entries = plan::host_table();
  entries.insert(entries.end(), named.begin(), named.end());
  return entries;
}

// --- before ---------------------------------------------------------------------------------------------

std::size_t directories_of(const HostEntry& entry) {
  std::string_view glob = entry.glob;
  if (glob.ends_with("/**")) glob.remove_suffix(3);
  while (glob.starts_with('/')) glob.remove_prefix(1);
  return static_cast<std::size_t>(std::count(glob.begin(), glob.end(), '/'));
}

class Before : public Visitor {
 public:
  explicit Before(HostSnapshot& snapshot) : snapshot_(snapshot) {}

  void entry(const Met& met, const HostEntry& entry) override {
    remember(met);
    if (!entry.guarded()) return;
    if (met.name.kind == Kind::file) guards.push_back({met.path, false, directories_of(entry)});
    if (met.name.kind == Kind::link) follow(met, entry);
    if (met.name.kind == Kind::file && met.name.name == ".envrc") {
      const auto text = read_small(met.in.directory, met.c_name(), kSmall);
      for (auto& read : plan::named_by_envrc(met.path, text.value_or(""))) named.push_back(std::move(read));
    }
  }

  bool tree(const Met& met, const HostEntry& entry) override {
    if (entry.guarded()) guards.push_back({met.path, true, directories_of(entry)});
    return true;
  }

  void repository(const Met& met) override {
    if (met.name.kind != Kind::directory) {
      remember(met);
      if (met.name.kind == Kind::file) guards.push_back({met.path, false, 0});
      return;
    }
    snapshot_.repositories[met.path] = host::identity_of(met.in.directory, met.c_name());
    guards.push_back({met.path, true, 0});
  }

  bool bare(const ScannedDirectory& directory, bool) override {
    snapshot_.repositories[directory.path] = host::identity_of(directory.directory);
    if (!directory.path.empty()) guards.push_back({directory.path, true, 0});
    return true;
  }

  void unreadable(const std::string&) override {}

  std::vector<plan::Guard> guards;
  std::vector<HostEntry> named;

 private:
  void remember(const Met& met) {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    auto state = state_of(info);
    if (snapshot_.files.size() < kMostRemembered)
      state.hash = hash_of(snapshot_.key, met.in.directory, met.c_name(), info);
    snapshot_.files.emplace(met.path, state);
  }

  // What a link of the user's leads to within the project counts as the link does.
  void follow(const Met& met, const HostEntry& entry) {
    const auto slash = met.path.rfind('/');
    const auto base =
        slash == std::string::npos ? snapshot_.project : snapshot_.project + "/" + met.path.substr(0, slash);
    const auto target = plan::resolve_path(base, read_link(met.in.directory, met.c_name()));
    if (!plan::is_within(target, snapshot_.project) || target == snapshot_.project) return;
    auto led_to = entry;
    led_to.glob = target.substr(snapshot_.project.size());
    named.push_back(std::move(led_to));
  }

  HostSnapshot& snapshot_;
};

std::vector<plan::GitSetting> settings_in(const std::string& directory, const char* name) {
  return plan::parse_git_config(host::read_below(directory, name, kSmall).value_or(""));
}

// The user's own settings name paths in every project: core.hooksPath = .githooks.
std::vector<HostEntry> named_by_settings(const plan::GitFacts& git, const core::Environment& environment) {
  auto settings = settings_in(git.common_dir, "config");
  const auto add = [&](const std::string& directory, const char* name) {
    const auto more = settings_in(directory, name);
    settings.insert(settings.end(), more.begin(), more.end());
  };
  if (!git.git_dir.empty()) add(git.git_dir, "config.worktree");
  const auto home = environment.get("HOME");
  if (home) add(*home, ".gitconfig");
  if (const auto base = environment.get("XDG_CONFIG_HOME")) {
    add(*base + "/git", "config");
  } else if (home) {
    add(*home + "/.config/git", "config");
  }
  return plan::named_by_git(git.project, git.common_dir, settings, [&](const std::string& path) {
    return host::lstat_of(git.project + "/" + path).has_value();
  });
}

// Files that an .envrc reads, links that lead within the project: known only once the scan has met them.
void remember_named(Before& before, HostSnapshot& snapshot) {
  for (auto& entry : before.named) {
    const auto path = entry.glob.substr(1);
    const auto slash = path.rfind('/');
    const auto directory = host::open_directory_below(
        snapshot.project,
        slash == std::string::npos ? std::string_view{} : std::string_view(path).substr(0, slash));
    const auto name = path.substr(slash + 1);
    struct stat info {};
    if (directory && ::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISDIR(info.st_mode) && !snapshot.files.contains(path)) {
      auto state = state_of(info);
      state.hash = hash_of(snapshot.key, directory.get(), name.c_str(), info);
      snapshot.files.emplace(path, state);
      if (S_ISREG(info.st_mode)) before.guards.push_back({path, false, 0});
    } else if (snapshot.files.contains(path)) {
      before.guards.push_back({path, false, 0});
    }
    snapshot.named.push_back(std::move(entry));
  }
}

// Nobody else's jail works on the project or on a part of it. What cannot be told counts as one that does.
bool alone_on(const std::string& project, const GuardPlaces& places) {
  for (const auto& id : host::list_directory(places.sessions)) {
    const auto session = places.sessions + "/" + id;
    if (id == places.session_id || host::try_lock_directory(session)) continue;
    const auto text = host::read_below(session, "host-snapshot", kSnapshot);
    const auto other = text ? plan::parse_snapshot(*text) : std::nullopt;
    if (!other || plan::is_within(other->project, project) || plan::is_within(project, other->project))
      return false;
  }
  return true;
}

core::SipKey random_key() {
  const auto hex = host::random_hex(16);
  return {std::stoull(hex.substr(0, 16), nullptr, 16), std::stoull(hex.substr(16), nullptr, 16)};
}

// --- after ----------------------------------------------------------------------------------------------

class After : public Visitor {
 public:
  explicit After(const HostSnapshot& before) : before_(before) {
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
      this->entry(met, entry);
      return;
    }
    const auto identity = host::identity_of(met.in.directory, met.c_name());
    const auto known = before_.repositories.find(met.path);
    if (met.in.context < 0) {
      const host::Fd inside(
          ::openat(met.in.directory, met.c_name(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
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
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        host::change_time(info) < started_)
      return;
    const auto target = read_link(met.in.directory, met.c_name());
    std::string reason;
    const auto real = host::canonical(before_.project + "/" + met.path, reason);
    const bool is_out = real.empty() ? plan::leads_out(before_.project, met.path, target)
                                     : plan::leads_out(before_.project, met.path, target) ||
                                           !plan::is_within(real, before_.project);
    if (is_out && !leads_nowhere(real.empty() ? target : real, !real.empty()))
      add(plan::host_shape("(link)"), met.path, Finding::Change::added);
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

  std::vector<Finding> finish() {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      const auto& [path, entry] = bulk[i];
      add(*entry, path, Finding::Change::changed);
      findings_.back().files = counts_[i];
    }
    // One thing found twice, as a link that is an entry: the graver word.
    plan::sort_findings(findings_);
    std::set<std::string> seen;
    std::erase_if(findings_, [&](const auto& finding) { return !seen.insert(finding.path).second; });
    return std::move(findings_);
  }

 private:
  void add(const HostEntry& entry, const std::string& path, Finding::Change change) {
    findings_.push_back(plan::judge(before_, entry, path, change));
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

  // Nobody on the host can write there: a virtual environment's link to the system's python, or one that has
  // a meaning in the jail only.
  static bool leads_nowhere(const std::string& target, bool exists) {
    if (!exists) return plan::is_within(target, "/workspace") && !host::lstat_of("/workspace");
    return ::geteuid() != 0 && plan::is_program_directory(target) && ::access(target.c_str(), W_OK) != 0;
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

  // Untouched, only that a directory above has another name.
  bool moved_along(const Met& met) const {
    struct stat info {};
    if (::fstatat(met.in.directory, met.c_name(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const auto now = state_of(info);
    const auto known = known_files_.find(now.inode);
    return known != known_files_.end() && now.same_inode_as(*known->second);
  }

  // Read-only in the jail, and still the same directory: what changed there, the host changed.
  bool is_mounted(const Met& met) const {
    const auto mounted = before_.mounted.find(met.path);
    return mounted != before_.mounted.end() &&
           host::identity_of(met.in.directory, met.c_name()) == mounted->second;
  }

  // A repository that was there before and that the jail could write: settings, hooks, operations at work.
  void look_into(const std::string& repository, const HostEntry& entry) {
    host::walk_tree(before_.project + "/" + repository, 200000,
                    [&](const std::string& path, const struct stat& info) {
                      static const std::set<std::string, std::less<>> inert = {
                          "objects", "refs",        "logs",       "index",       "HEAD",          "ORIG_HEAD",
                          "lfs",     "packed-refs", "FETCH_HEAD", "description", "COMMIT_EDITMSG"};
                      const bool is_inert = inert.contains(path);
                      if (S_ISDIR(info.st_mode)) return !is_inert;
                      if (host::change_time(info) >= started_ && (!is_inert || !S_ISREG(info.st_mode)))
                        add(entry, joined(repository, path), Finding::Change::changed);
                      return false;
                    });
  }

  const HostSnapshot& before_;
  std::int64_t started_ = 0;
  std::unordered_map<std::uint64_t, const FileState*> known_files_;
  std::set<std::uint64_t> read_only_;
  std::vector<Finding> findings_;
  std::vector<std::size_t> counts_;
};

// A directory is closed where it lies, so that no prompt looks at a repository there.
std::string restore_command(const std::string& kept, const std::string& place, mode_t mode, bool put_back) {
  std::string line;
  if (mode != 0) line = fmt::format("chmod {:o} {} && ", mode, core::shell_quote(kept));
  return line + fmt::format("mv {} -- {} {}", put_back ? "-f" : "-i", core::shell_quote(kept),
                            core::shell_quote(place));
}

// What lies in a quarantine is written down before it is moved there.
class Quarantine {
 public:
  Quarantine(const HostSnapshot& before, const std::string& session)
      : before_(before), session_(session), place_(session + "/quarantine") {
    host::make_private_directories(place_);
    list_ = host::Fd(::open((session + "/quarantine.txt").c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    number_ = host::list_directory(place_).size();
    if (number_ == 0 && !host::lstat_of(session + "/quarantine-of")) {
      host::write_new_file(session + "/quarantine-of", before.project, 0600);
      note(fmt::format("Moved away from {} after a jail's end; to take something back:",
                       core::printable(before.project)));
      note(fmt::format("(to give up all of it: chmod -R u+rwX {0} && rm -rf {0})",
                       core::shell_quote(session)));
    }
  }

  void take(Finding& finding) {
    std::string to;
    do {
      to = place_ + "/" + plan::quarantine_name(++number_, finding.path);
    } while (host::lstat_of(to));
    const auto from = before_.project + "/" + finding.path;
    const auto info = host::lstat_of(from);
    const auto mode = info && S_ISDIR(info->st_mode) ? (info->st_mode & 07777) | S_IRWXU : 0;
    const auto copy = before_.copies.find(finding.path);
    const bool has_former = copy != before_.copies.end() && finding.change == Finding::Change::changed;
    finding.restore = restore_command(to, from, mode, has_former);
    note(finding.restore);
    if (const auto failed = host::move_below(before_.project, finding.path, to)) {
      finding.problem = *failed;
      return;
    }
    finding.kept_as = to;
    if (mode != 0) ::chmod(to.c_str(), 0);
    if (has_former)
      finding.put_back = host::put_below(session_ + "/" + copy->second, before_.project, finding.path);
  }

 private:
  void note(const std::string& line) {
    const auto text = line + "\n";
    if (!list_ || ::write(list_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      spdlog::warn("Cannot write {}/quarantine.txt: {}.", core::printable(session_), std::strerror(errno));
  }

  const HostSnapshot& before_;
  std::string session_, place_;
  std::size_t number_ = 0;
  host::Fd list_;
};

void quarantine(std::vector<Finding>& findings, const HostSnapshot& before, const std::string& session) {
  std::optional<Quarantine> place;
  std::vector<std::string> moved;
  std::erase_if(findings, [&](Finding& finding) {
    if (!finding.quarantine) return false;
    const auto path = "/" + finding.path;
    if (std::any_of(moved.begin(), moved.end(),
                    [&](const auto& above) { return plan::is_within(path, above); }))
      return true;  // went along
    if (!place) place.emplace(before, session);
    place->take(finding);
    if (!finding.kept_as.empty()) moved.push_back(path);
    return false;
  });
}

void report(const std::vector<Finding>& findings, const HostSnapshot& before, const std::string& session) {
  if (before.report_json) {
    std::cerr << plan::report_json(session.substr(session.rfind('/') + 1), before.project, findings) << "\n";
  } else {
    for (const auto& line : plan::report_lines(findings, kMostShown)) spdlog::warn("{}", line);
  }
}

void settle(const HostSnapshot& before, const std::string& session) {
  After after(before);
  const auto entries = all_entries(before.named);
  ProjectScan(entries, after).run(before.project, true);
  auto findings = after.finish();
  quarantine(findings, before, session);
  if (!findings.empty()) report(findings, before, session);
}

}  // namespace

HostExecution look_at_host_execution(const plan::GitFacts& git, const core::Settings& settings,
                                     const core::Environment& environment, const GuardPlaces& places,
                                     const std::vector<plan::BindMount>& git_binds) {
  HostExecution found;
  auto& snapshot = found.snapshot;
  snapshot.project = git.project;
  snapshot.started = host::file_clock();
  snapshot.uptime = host::uptime_clock();
  snapshot.key = random_key();
  snapshot.allowed = settings.allow_edit;
  snapshot.report_json = settings.report == core::Report::json;
  snapshot.named = named_by_settings(git, environment);
  Before before(snapshot);
  const auto entries = all_entries(snapshot.named);
  ProjectScan(entries, before).run(git.project, false);
  remember_named(before, snapshot);
  std::erase_if(before.guards,
                [&](const auto& guard) { return plan::is_allowed(snapshot.allowed, guard.path); });
  // A copy of a large file is not worth it.
  const auto all = before.guards.size();
  std::erase_if(before.guards, [&](const auto& guard) {
    const auto known = snapshot.files.find(guard.path);
    return !guard.directory && (known == snapshot.files.end() || known->second.size > kMostCopied);
  });
  const auto too_large = all - before.guards.size();
  const bool alone = before.guards.empty() || alone_on(git.project, places);
  found.guards = plan::plan_guards(
      std::move(before.guards), {.view = places.session_view, .workspace = places.workspace, .alone = alone},
      git_binds);
  found.guards.unguarded += too_large;
  for (std::size_t i = 0; i < found.guards.copies.size(); ++i)
    snapshot.copies[found.guards.copies[i]] = fmt::format("guard/{}", i);
  auto binds = git_binds;
  binds.insert(binds.end(), found.guards.binds.begin(), found.guards.binds.end());
  for (const auto& bind : binds) {
    constexpr std::string_view workspace = "/workspace/";
    if (!bind.read_only || !bind.target.starts_with(workspace)) continue;
    const auto path = bind.target.substr(workspace.size());
    if (const auto directory = host::open_directory_below(git.project, path))
      snapshot.mounted[path] = host::identity_of(directory.get());
  }
  return found;
}

void make_host_snapshot(HostExecution& found, const std::string& session) {
  auto& snapshot = found.snapshot;
  if (!found.guards.copies.empty() && ::mkdir((session + "/guard").c_str(), 0755) != 0) {
    throw core::Error(
        fmt::format("Cannot make {}/guard: {}.", core::printable(session), std::strerror(errno)));
  }
  for (std::size_t i = 0; i < found.guards.copies.size(); ++i) {
    const auto copy = fmt::format("{}/guard/{}", session, i);
    // Gone since it was looked at: nothing may be missing when the engine mounts it.
    if (!host::copy_below(snapshot.project, found.guards.copies[i], copy)) {
      snapshot.copies.erase(found.guards.copies[i]);
      host::write_new_file(copy, "", 0644);
    }
  }
  host::write_new_file(session + "/host-snapshot", plan::format_snapshot(snapshot), 0600);
  if (found.guards.unguarded != 0) {
    spdlog::warn(
        "{} more files or repositories that your tools run by themselves can be changed in the jail; the "
        "report "
        "at the end will tell.",
        found.guards.unguarded);
  }
}

bool settle_host_execution(const std::string& sessions, const std::string& id) {
  const auto session = sessions + "/" + id;
  const auto text = host::read_below(session, "host-snapshot", kSnapshot);
  const auto before = text ? plan::parse_snapshot(*text) : std::nullopt;
  try {
    if (before && host::lstat_of(before->project)) settle(*before, session);
  } catch (const core::Error& error) {
    // The command's own exit status stands.
    spdlog::warn("What changed that your tools run by themselves cannot be told: {}", error.what());
  }
  ::unlink((session + "/host-snapshot").c_str());
  return holds_quarantine(session);
}

bool holds_quarantine(const std::string& session) {
  return !host::list_directory(session + "/quarantine").empty();
}

std::string quarantine_project(const std::string& session) {
  return host::read_below(session, "quarantine-of", kSmall).value_or("");
}

void release_session(const std::string& session) {
  if (!holds_quarantine(session)) {
    host::remove_session_files(session);
    return;
  }
  for (const auto& name : host::list_directory(session)) {
    if (!name.starts_with("quarantine") && name != "kept" && name != "conflicts")
      host::remove_tree(session + "/" + name);
  }
  if (!host::lstat_of(session + "/kept")) host::write_new_file(session + "/kept", "", 0600);
}

}  // namespace jailed::commands
