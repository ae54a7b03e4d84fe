#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <jailed/commands/git_forward.hpp>
#include <jailed/commands/incomplete_copy.hpp>
#include <jailed/core/command.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/tree.hpp>

namespace jailed::commands {
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
  if (!scratch_.empty()) ::unlink(scratch_.c_str());
}

std::string Forward::obstacle() {
  if (after_.id.empty() || same(after_, before_)) return {};
  // An earlier homecoming was cut off before it came to the index.
  if (same(after_, now_)) {
    if (!before_.id.empty()) [[maybe_unused]]
      const auto staged = index_obstacle(before_.id);
    return {};
  }
  if (!after_.branch.empty() &&
      (!after_.branch.starts_with("refs/heads/") || !plan::is_plain_ref_name(after_.branch)))
    return "the branch in the jail has an odd name";
  if (now_.branch != before_.branch && now_.branch != after_.branch)
    return "another branch is checked out here now";
  if (now_.id != before_.id && now_.id != after_.id) return "the repository here moved on meanwhile";
  if (!now_.id.empty() && !git_.ok({"merge-base", "--is-ancestor", now_.id, after_.id}))
    return "history was rewritten or turned back in the jail";
  if (auto reason = target_obstacle(); !reason.empty()) return reason;
  const auto changes = git_.run(
      {"diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff",
       now_.id.empty() ? git_.ask({"hash-object", "-t", "tree", "/dev/null"}) : now_.id, after_.id});
  if (!changes.status.ok()) return "the two states cannot be compared";
  if (const auto links = plan::changed_gitlinks(changes.out); !links.empty())
    return fmt::format("the submodule {} changed", printable(links.front()));
  if (auto reason = unseen_obstacle(git_.scratch(), record_.project, changes.out); !reason.empty()) return reason;
  return index_obstacle(now_.id);
}

bool Forward::go() {
  const auto message = "jailed: fast-forward to the commits of a jail";
  const auto zero = std::string(after_.id.size(), '0');
  const auto target = after_.branch.empty() ? std::string("HEAD") : after_.branch;
  const auto former = after_.branch.empty() ? now_.id : git_.ask({"rev-parse", "-q", "--verify", target});
  if (former != after_.id && !git_.ok({"update-ref", "--no-deref", "-m", message, target, after_.id,
                                       former.empty() ? zero : former}))
    return false;
  if (after_.branch != now_.branch && !after_.branch.empty() &&
      !git_.ok({"symbolic-ref", "-m", message, "HEAD", after_.branch}))
    return false;
  return publish_index();
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

// Moves a copy of the index first: where that fails nothing has been touched.
std::string Forward::index_obstacle(const std::string& from) {
  const auto index = record_.git_dir + "/index";
  scratch_ = record_.git_dir + "/index.jailed";
  ::unlink(scratch_.c_str());
  before_copy_ = host::lstat_of(index);
  if (before_copy_) host::copy_below(record_.git_dir, "index", scratch_);
  if (before_copy_ && ::geteuid() == 0) [[maybe_unused]]
    const int kept = ::lchown(scratch_.c_str(), before_copy_->st_uid, before_copy_->st_gid);
  const std::vector<core::EnvVar> on_copy = {{"GIT_INDEX_FILE", scratch_}};
  const auto base = !from.empty() ? from : git_.ask({"hash-object", "-t", "tree", "-w", "/dev/null"});
  // The work tree is the jail's own already (-i): only what is staged here can stand in the way.
  const auto moved = git_.run({"read-tree", "-i", "-m", base, after_.id}, on_copy);
  if (!moved.status.ok()) return "what you had staged stands in the way";
  same_index_ = false;
  return {};
}

bool Forward::publish_index() {
  const auto index = record_.git_dir + "/index";
  const auto lock = index + ".lock";
  const host::Fd held(::open(lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!held) return false;
  const auto now = host::lstat_of(index);
  const bool same =
      now.has_value() == before_copy_.has_value() &&
      (!now || (now->st_ino == before_copy_->st_ino && now->st_size == before_copy_->st_size &&
                now->st_mtim.tv_sec == before_copy_->st_mtim.tv_sec &&
                now->st_mtim.tv_nsec == before_copy_->st_mtim.tv_nsec));
  const bool done = same && ::rename(scratch_.c_str(), index.c_str()) == 0;
  ::unlink(lock.c_str());
  return done;
}

}  // namespace jailed::commands
