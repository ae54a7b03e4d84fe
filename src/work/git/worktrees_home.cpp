#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/git/branches.hpp>
#include <jailed/work/git/forward.hpp>
#include <jailed/work/git/worktrees.hpp>
#include <set>

namespace jailed::work {
namespace {

using core::printable;
using plan::GitRecord;
using plan::JailWorktree;
using Owner = std::optional<std::pair<uid_t, gid_t>>;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view kOnBranch = "ref: ";

// The directory worktrees/<name> of the repository that names this place; empty: none.
std::string admin_of(const GitRecord& record, const std::string& path) {
  for (const auto& name : host::names_below(record.common_dir, "worktrees")) {
    const auto named = host::read_below(record.common_dir, fmt::format("worktrees/{}/gitdir", name), 4096);
    if (named && first_line(*named) == fmt::format("{}/{}/.git", record.project, path))
      return record.common_dir + "/worktrees/" + name;
  }
  return {};
}

// A new file of the owner's; says why not.
std::string put(int directory, const char* name, const std::string& text, const Owner& owner) {
  const host::Fd file(::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file || (owner && ::fchown(file.get(), owner->first, owner->second) != 0) ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fmt::format("{} cannot be written: {}", name, std::strerror(errno));
  return {};
}

host::Fd make_own_directory(int above, const std::string& name, const Owner& owner) {
  const bool made = ::mkdirat(above, name.c_str(), 0755) == 0;
  host::Fd directory(::openat(above, name.c_str(), kDirectory));
  if (made && directory && owner && ::fchown(directory.get(), owner->first, owner->second) != 0) return {};
  return directory;
}

class Home {
 public:
  Home(const HostGit& git, const GitRecord& record, const std::string& part, const plan::GitRefs& collected,
       const core::Environment& environment)
      : git_(git), record_(record), part_(part), collected_(collected), environment_(environment), taken_(checked_out(git)) {}

  // Why it is no worktree here; empty when it is one.
  std::string bring(const JailWorktree& worktree) {
    auto admin = admin_of(record_, worktree.path);
    const bool is_new = admin.empty();
    if (is_new) {
      if (auto reason = obstacle(worktree); !reason.empty()) return reason;
      if (auto reason = make_admin(worktree, admin); !reason.empty()) return reason;
    }
    if (auto reason = lead_there(worktree, admin); !reason.empty()) return reason;
    auto own = record_;
    own.git_dir = admin;
    own.project = record_.project + "/" + worktree.path;
    const HostGit git(own, part_, environment_);
    if (is_new || !host::lstat_of(admin + "/index")) {
      if (!git.has_finite_tree("HEAD") || !git.ok({"read-tree", "HEAD"})) return "git cannot read what it is at";
      spdlog::info("The jail's worktree {} is one here: {}.", printable(worktree.path),
                   head_words(worktree));
      return {};
    }
    return move(git, own, worktree);
  }

 private:
  static std::string branch_of(const JailWorktree& worktree) {
    return worktree.head.starts_with(kOnBranch) ? worktree.head.substr(kOnBranch.size()) : std::string{};
  }

  static std::string head_words(const JailWorktree& worktree) {
    const auto branch = branch_of(worktree);
    return branch.empty() ? "at " + short_id(worktree.head) : "on " + branch.substr(11);
  }

  // For a new one: the files are those of a commit that must be here as well.
  std::string obstacle(const JailWorktree& worktree) const {
    const auto branch = branch_of(worktree);
    if (host::lstat_of(fmt::format("{}/{}/.git", record_.project, worktree.path))) return "a .git is there";
    if (branch.empty()) return git_.ok({"cat-file", "-e", worktree.head + "^{commit}"}) ? "" : "its commit did not come home";
    const auto name = branch.substr(11);
    const auto there = collected_.find(branch);
    if (taken_.contains(branch)) return fmt::format("{} is checked out elsewhere", name);
    if (there == collected_.end() || git_.ask({"rev-parse", "-q", "--verify", branch}) != there->second)
      return fmt::format("{} is not here what it was there", name);
    return {};
  }

  std::string make_admin(const JailWorktree& worktree, std::string& admin) {
    const auto owner = git_.owner();
    const auto common = host::open_exactly(record_.common_dir);
    struct stat info {};
    // Whoever owns a directory above can put another one in its place.
    if (!common || ::fstat(common.get(), &info) != 0 || (owner && info.st_uid != owner->first)) return "the repository cannot be opened";
    const auto all = make_own_directory(common.get(), "worktrees", owner);
    if (!all) return fmt::format("worktrees/ cannot be made: {}", std::strerror(errno));
    constexpr int most = 20;
    host::Fd made;
    for (int i = 0; i < most && !made; ++i) {
      const auto name = i == 0 ? worktree.name : fmt::format("{}{}", worktree.name, i);
      if (::mkdirat(all.get(), name.c_str(), 0755) != 0) continue;
      made = make_own_directory(all.get(), name, owner);
      if (made && owner && ::fchown(made.get(), owner->first, owner->second) != 0) return "it cannot be given to its owner";
      admin = record_.common_dir + "/worktrees/" + name;
    }
    if (!made) return "its name is taken";
    for (const auto& [name, text] :
         {std::pair("commondir", std::string("../..\n")), std::pair("HEAD", worktree.head + "\n"),
          // Last: what names no place yet is nobody's, and pruned.
          std::pair("gitdir", fmt::format("{}/{}/.git\n", record_.project, worktree.path))}) {
      if (auto reason = put(made.get(), name, text, owner); !reason.empty()) return reason;
    }
    if (!branch_of(worktree).empty()) taken_.insert(branch_of(worktree));
    return {};
  }

  // The work tree's .git, if it has none.
  std::string lead_there(const JailWorktree& worktree, const std::string& admin) {
    const auto directory = host::open_directory_below(record_.project, worktree.path);
    struct stat info {};
    if (!directory || ::fstat(directory.get(), &info) != 0) return "its directory is gone";
    const auto text = fmt::format("gitdir: {}\n", admin);
    if (::fstatat(directory.get(), ".git", &info, AT_SYMLINK_NOFOLLOW) == 0) {
      const auto there = host::read_below(record_.project, worktree.path + "/.git", 4096);
      return there && plan::resolve_path(record_.project + "/" + worktree.path, plan::parse_gitfile(*there)) == admin
                 ? std::string{}
                 : "a .git is there";
    }
    return put(directory.get(), ".git", text, git_.owner());
  }

  // The user's own worktree, in which the jail went on.
  std::string move(const HostGit& git, const GitRecord& own, const JailWorktree& worktree) {
    const auto now = host_head(git);
    const plan::GitRefs known = {{"HEAD", now.branch.empty() ? now.id : std::string(kOnBranch) + now.branch}, {now.branch, now.id}};
    auto there = collected_;
    there["HEAD"] = worktree.head;
    Forward forward(git, own, known, there);
    if (auto reason = forward.obstacle(); !reason.empty()) return reason;
    if (!forward.needed()) return {};
    forward.go();
    spdlog::info("The worktree {} is {} as in the jail, at {}.", printable(worktree.path), head_words(worktree),
                 short_id(forward.after().id));
    return {};
  }

  const HostGit& git_;
  const GitRecord& record_;
  const std::string& part_;
  const plan::GitRefs& collected_;
  const core::Environment& environment_;
  std::set<std::string> taken_;
};

}  // namespace

void bring_worktrees_home(const HostGit& git, const GitRecord& record, const std::string& part, const plan::GitRefs& collected,
                          const core::Environment& environment) {
  const auto worktrees = worktrees_in(part, record);
  if (worktrees.empty()) return;
  Home home(git, record, part, collected, environment);
  for (const auto& worktree : worktrees) {
    const auto reason = home.bring(worktree);
    if (reason.empty()) continue;
    const auto path = core::shell_quote(worktree.path);
    if (!admin_of(record, worktree.path).empty()) {
      spdlog::warn("The worktree {} stays where it is: {}.", printable(worktree.path), reason);
      continue;
    }
    spdlog::warn("The jail's worktree {} is a plain directory here: {}.", printable(worktree.path), reason);
    spdlog::warn("  to have it: mv {0} {0}.jailed && git worktree add {0} BRANCH", path);
  }
}

}  // namespace jailed::work
