#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/git/forward.hpp>
#include <jailed/work/git/shapes.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/git/unseen.hpp>

namespace jailed::work {
namespace {

using core::printable;
using plan::GitRefs;

std::string value_of(const GitRefs& refs, const std::string& name) {
  const auto found = refs.find(name);
  return found == refs.end() ? std::string{} : found->second;
}

bool same(const Head& one, const Head& other) { return one.branch == other.branch && one.id == other.id; }

}  // namespace

Head host_head(const HostGit& git) {
  return {git.ask({"symbolic-ref", "-q", "HEAD"}), git.ask({"rev-parse", "-q", "--verify", "HEAD^{commit}"})};
}

Head head_in(const plan::GitRefs& refs) {
  const auto value = value_of(refs, "HEAD");
  if (plan::is_object_id(value)) return {{}, value};
  const auto branch = value.starts_with("ref: ") ? value.substr(5) : std::string{};
  return {branch, value_of(refs, branch)};
}

Forward::Forward(const HostGit& git, const plan::GitRecord& record, const GitRefs& known, const GitRefs& collected)
    : git_(git),
      record_(record),
      before_(head_in(known)),
      after_(head_in(collected)),
      now_(host_head(git)) {}

Forward::~Forward() {
  if (directory_) ::unlinkat(directory_.get(), kNewIndex, 0);
}

std::string Forward::obstacle() {
  if (after_.id.empty() || same(after_, before_)) return {};
  // First: nobody's git changes index or checkout from here on.
  lock_.emplace(record_.git_dir, git_.owner());
  ::unlinkat(lock_->directory(), kNewIndex, 0);  // of a jailed that was killed
  now_ = host_head(git_);
  auto reason = obstacle_under_lock();
  if (!needed()) lock_.reset();
  return reason;
}

std::string Forward::obstacle_under_lock() {
  // An earlier homecoming was cut off before it came to the index.
  if (same(after_, now_)) {
    if (index_obstacle(before_.id).empty()) return {};
    return fmt::format("it has the jail's commits, but what you have staged since does not fit them; see: git diff "
                       "--cached; to give up what is staged: git reset -q");
  }
  if (!after_.branch.empty() &&
      (!after_.branch.starts_with("refs/heads/") || !plan::is_plain_ref_name(after_.branch)))
    return "the branch in the jail has an odd name";
  if (now_.branch != before_.branch && now_.branch != after_.branch)
    return "another branch is checked out here now";
  if (now_.id != before_.id && now_.id != after_.id) {
    // Cut off as above, and the next commit here was made with the former index: it may take the jail's work back.
    if (!now_.id.empty() && now_.branch == after_.branch && git_.ok({"merge-base", "--is-ancestor", after_.id, now_.id}))
      return fmt::format("it has the jail's commits and others after them; that these keep the jail's work, see: git diff {} HEAD",
                         short_id(after_.id));
    return "the repository here moved on meanwhile";
  }
  if (!now_.id.empty() && !git_.ok({"merge-base", "--is-ancestor", now_.id, after_.id}))
    return "history was rewritten or turned back in the jail";
  if (auto reason = target_obstacle(); !reason.empty()) return reason;
  if (!git_.has_finite_tree(after_.id)) return "it has more files than can be compared";
  const auto changes = git_.run(
      {"diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff",
       now_.id.empty() ? git_.ask({"hash-object", "-t", "tree", "/dev/null"}) : now_.id, after_.id});
  if (!changes.status.ok()) return "the two states cannot be compared";
  if (const auto links = plan::changed_gitlinks(changes.out); !links.empty())
    return fmt::format("the submodule {} changed", printable(links.front()));
  if (auto reason = unseen_obstacle(git_.scratch(), record_.project, changes.out); !reason.empty()) return reason;
  return index_obstacle(now_.id);
}

void Forward::go() {
  const auto message = "jailed: fast-forward to the commits of a jail";
  const auto zero = std::string(after_.id.size(), '0');
  const auto target = after_.branch.empty() ? std::string("HEAD") : after_.branch;
  const auto former = after_.branch.empty() ? now_.id : git_.ask({"rev-parse", "-q", "--verify", target});
  if (former != after_.id && !git_.ok({"update-ref", "--no-deref", "-m", message, target, after_.id,
                                       former.empty() ? zero : former}))
    throw Refused(fmt::format("git here is busy with {}", target));
  if (after_.branch != now_.branch && !after_.branch.empty() &&
      !git_.ok({"symbolic-ref", "-m", message, "HEAD", after_.branch}))
    throw Refused("git here is busy with HEAD");
  if (::renameat(directory_.get(), kNewIndex, directory_.get(), "index") != 0)
    throw Refused(fmt::format("the index cannot be replaced: {}", std::strerror(errno)));
  lock_.reset();
}

// For a branch other than the one that is checked out here.
std::string Forward::target_obstacle() {
  if (after_.branch == now_.branch) return {};
  if (after_.branch.empty()) return "the jail ended on no branch";
  const auto there = git_.ask({"rev-parse", "-q", "--verify", after_.branch});
  if (!there.empty() && !git_.ok({"merge-base", "--is-ancestor", there, after_.id}))
    return fmt::format("{} here has other commits", printable(after_.branch.substr(11)));
  const auto trees = git_.run({"worktree", "list", "--porcelain"}).out;
  if (("\n" + trees).find("\nbranch " + after_.branch + "\n") != std::string::npos)
    return fmt::format("{} is checked out in another worktree", printable(after_.branch.substr(11)));
  return {};
}

// For whoever the repository belongs to. A path may lead to another place by now, and jailed may be root: nothing is found by it.
std::string Forward::copy_index(std::optional<struct stat>& former) {
  directory_ = host::Fd(::fcntl(lock_->directory(), F_DUPFD_CLOEXEC, 0));
  ::unlinkat(directory_.get(), kNewIndex, 0);
  const host::Fd from(::openat(directory_.get(), "index", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!from && errno == ENOENT) return {};
  if (!from || ::fstat(from.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "the index here cannot be read";
  const host::Fd to(::openat(directory_.get(), kNewIndex, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!to || !host::copy_content(from.get(), to.get())) return fmt::format("the index here cannot be copied: {}", std::strerror(errno));
  if (::geteuid() == 0) [[maybe_unused]]
    const int kept = ::fchown(to.get(), info.st_uid, info.st_gid);
  former = info;
  return {};
}

// Moves a copy of the index first: where that fails nothing has been touched.
std::string Forward::index_obstacle(const std::string& from) {
  std::optional<struct stat> former;
  if (auto reason = copy_index(former); !reason.empty()) return reason;
  const auto base = !from.empty() ? from : git_.ask({"hash-object", "-t", "tree", "-w", "/dev/null"});
  // The work tree is the jail's own already (-i): only what is staged here can stand in the way.
  const auto moved = git_.run({"read-tree", "-i", "-m", base, after_.id}, {{"GIT_INDEX_FILE", fmt::format("{}/{}", record_.git_dir, kNewIndex)}});
  if (!moved.status.ok()) return "what you had staged stands in the way";
  const host::Fd file(::openat(directory_.get(), kNewIndex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat made {};
  if (!file || ::fstat(file.get(), &made) != 0) return "the index here was moved away";
  if (former && made.st_uid == former->st_uid) [[maybe_unused]]
    const int kept = ::fchmod(file.get(), former->st_mode & 0777);
  same_index_ = false;
  return {};
}

void remove_half_made(const std::string& part) {
  for (const auto& unit : session_units(part)) {
    const auto text = host::read_below(unit, "repository", kSmallGitFile);
    const auto record = text ? plan::parse_record(*text) : std::nullopt;
    if (!record || record->git_dir.empty()) continue;
    IndexLock::clear(record->git_dir);
    for (const auto& name : host::names_below(record->common_dir, "worktrees")) IndexLock::clear(record->common_dir + "/worktrees/" + name);
  }
}

}  // namespace jailed::work
