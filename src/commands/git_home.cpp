#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <jailed/commands/git_home.hpp>
#include <jailed/commands/session_parts.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/tree.hpp>

namespace jailed::commands {
namespace {

using core::printable;
using plan::Arrival;
using plan::GitRefs;

constexpr std::uint64_t kMostBytes = 4ULL << 30;
constexpr std::chrono::seconds kPatience{300};
constexpr std::size_t kMostHeader = 64U << 20;

// Why commits cannot come home; the session is kept.
class Refused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string first_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(0, text.find('\n')));
}

std::string short_id(const std::string& id) { return id.substr(0, 8); }

// The host's git in the host's repository, as the repository's owner.
class HostGit {
 public:
  // `scratch`: a directory where nothing hostile writes.
  HostGit(const plan::GitRecord& record, std::string scratch, const core::Environment& environment)
      : record_(record), scratch_(std::move(scratch)) {
    const auto git = host::find_program("git", environment);
    if (!git) throw Refused("git is not on PATH");
    git_ = *git;
    const auto owner = host::lstat_of(record.common_dir.empty() ? record.project : record.common_dir);
    if (!owner || ::geteuid() != 0 || owner->st_uid == 0) return;
    // Root would leave files that the owner cannot change, and obey the settings of somebody else.
    const auto setpriv = host::find_program("setpriv", environment);
    if (!setpriv) throw Refused("the repository is somebody else's, and setpriv (util-linux) is not on PATH");
    as_owner_ = {*setpriv, fmt::format("--reuid={}", owner->st_uid), fmt::format("--regid={}", owner->st_gid),
                 "--clear-groups", "--"};
  }

  core::Command command(std::vector<std::string> args, const std::vector<core::EnvVar>& more = {}) const {
    auto command =
        plan::quiet_git(git_, record_.git_dir, record_.common_dir, record_.project, std::move(args));
    for (const auto& variable : more) {
      std::erase_if(command.env, [&](const auto& known) { return known.name == variable.name; });
      command.env.push_back(variable);
    }
    if (as_owner_.empty()) return command;
    std::vector<std::string> words(as_owner_.begin() + 1, as_owner_.end());
    words.push_back(command.program);
    words.insert(words.end(), command.args.begin(), command.args.end());
    return {as_owner_.front(), std::move(words), std::move(command.env)};
  }

  host::Captured run(std::vector<std::string> args, const std::vector<core::EnvVar>& more = {}) const {
    return host::capture(command(std::move(args), more));
  }

  bool ok(std::vector<std::string> args) const { return run(std::move(args)).status.ok(); }

  // The first line of the answer; empty when git said no.
  std::string ask(std::vector<std::string> args) const {
    const auto answer = run(std::move(args));
    return answer.status.ok() ? first_line(answer.out) : std::string{};
  }

  host::Captured feed(std::vector<std::string> args, std::string_view input) const {
    const auto path = scratch_ + "/input";
    const host::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) throw Refused(fmt::format("cannot write {}: {}", printable(path), std::strerror(errno)));
    ::unlink(path.c_str());
    while (!input.empty()) {
      const auto count = ::write(file.get(), input.data(), input.size());
      if (count < 0) throw Refused(fmt::format("no room for a temporary file: {}", std::strerror(errno)));
      input.remove_prefix(static_cast<std::size_t>(count));
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return host::capture_with_input(command(std::move(args)), file.get());
  }

 private:
  const plan::GitRecord& record_;
  std::string scratch_;
  std::string git_;
  std::vector<std::string> as_owner_;
};

// The collector's answer, in a file of the session.
struct Answer {
  host::Fd file;
  plan::Collected collected;
};

plan::Jail collector_for(const ShadowedSession& session, const std::string& unit,
                         const plan::GitRecord& record, ObjectViews& views) {
  std::vector<plan::BindMount> binds;
  for (const auto& bind : session.jail.binds) {
    if (bind.target == "/etc/passwd" || bind.target == "/etc/group" || bind.target == "/etc/jailed/gitconfig")
      binds.push_back(bind);
  }
  binds.push_back({session.view + unit.substr(session.path.size()) + "/known", "/jail/known", true});
  binds.push_back({session.view + "/" + record.shadow, "/jail/git", true});
  std::vector<plan::ObjectStore> stores;
  for (const auto& path : record.objects)
    stores.push_back({path, host::lstat_of(path + "/info/alternates").has_value()});
  const auto objects = plan::object_binds(record.place, stores, views.of(record.objects), session.view);
  binds.insert(binds.end(), objects.begin(), objects.end());
  return plan::collector(session.jail, binds);
}

Answer collect(const plan::Engine& engine, const ShadowedSession& session, const plan::Jail& jail) {
  const auto path = session.path + "/answer";
  ::unlink(path.c_str());
  Answer answer{host::Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)), {}};
  if (!answer.file) throw Refused(fmt::format("cannot write {}: {}", printable(path), std::strerror(errno)));
  auto command = plan::run_command(engine, jail);
  if (engine.remote) {
    if (const auto said = engine::start_keeper(engine, plan::waiting_collector(jail)); !said.empty())
      throw Refused(fmt::format("the jail that packs them did not start: {}", printable(first_line(said))));
    command = plan::collect_command(engine, jail);
  }
  spdlog::debug("{}", core::shell_line(command));
  const auto result = host::stream_to(command, answer.file.get(), kMostBytes, kPatience);
  if (engine.remote || !result.status.ok()) host::capture(plan::remove_command(engine, plan::container_name(jail)));
  if (result.too_long) throw Refused(fmt::format("they are more than {} GiB", kMostBytes >> 30));
  if (result.silent) throw Refused("git in the jail does not come to an end");
  if (!result.status.ok())
    throw Refused(fmt::format("git in the jail could not pack them: {}", printable(first_line(result.err))));
  std::string header(kMostHeader, '\0');
  const auto count = ::pread(answer.file.get(), header.data(), header.size(), 0);
  header.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  auto collected = plan::parse_collected(header);
  if (!collected) throw Refused("what the jail's git answered makes no sense");
  answer.collected = std::move(*collected);
  return answer;
}

// Computes every object's id anew, refuses what git's fsck refuses, and objects that lead to nothing.
void take_objects(const HostGit& git, const Answer& answer) {
  ::lseek(answer.file.get(), static_cast<off_t>(answer.collected.pack_at), SEEK_SET);
  const auto indexed =
      host::capture_with_input(git.command({"index-pack", "--stdin", "--fix-thin", "--strict",
                                            fmt::format("--max-input-size={}", kMostBytes)}),
                               answer.file.get());
  if (!indexed.status.ok())
    throw Refused(
        fmt::format("git on this machine refuses their objects: {}", printable(first_line(indexed.err))));
}

void check_connected(const HostGit& git, const std::vector<Arrival>& arrivals) {
  std::string input;
  for (const auto& arrival : arrivals) input += arrival.id + "\n";
  const auto checked = git.feed({"rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"}, input);
  if (!checked.status.ok())
    throw Refused(fmt::format("objects are missing: {}", printable(first_line(checked.err))));
}

void write_refs(const HostGit& git, const std::vector<Arrival>& arrivals) {
  std::string input;
  for (const auto& arrival : arrivals) input += fmt::format("update {} {}\n", arrival.to, arrival.id);
  const auto written =
      git.feed({"update-ref", "--no-deref", "-m", "jailed: commits of a jail", "--stdin"}, input);
  if (!written.status.ok())
    throw Refused(fmt::format("git cannot write the refs: {}", printable(first_line(written.err))));
}

struct Head {
  std::string branch;  // refs/heads/...; empty: detached
  std::string id;      // empty: no commit yet
};

Head host_head(const HostGit& git) {
  return {git.ask({"symbolic-ref", "-q", "HEAD"}), git.ask({"rev-parse", "-q", "--verify", "HEAD^{commit}"})};
}

std::string value_of(const GitRefs& refs, const std::string& name) {
  const auto found = refs.find(name);
  return found == refs.end() ? std::string{} : found->second;
}

Head head_in(const GitRefs& refs) {
  const auto value = value_of(refs, "HEAD");
  if (plan::is_object_id(value)) return {{}, value};
  const auto branch = value.starts_with("ref: ") ? value.substr(5) : std::string{};
  return {branch, value_of(refs, branch)};
}

// A step forward of what is checked out on the host, to where the jail's checkout is.
class Forward {
 public:
  Forward(const HostGit& git, const plan::GitRecord& record, const GitRefs& known, const GitRefs& collected)
      : git_(git),
        record_(record),
        before_(head_in(known)),
        after_(head_in(collected)),
        now_(host_head(git)) {}

  // Why it cannot be done; empty when it can, or when there is nothing to do.
  std::string obstacle() {
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
    return index_obstacle(now_.id);
  }

  bool needed() const { return !same_index_; }

  // True when the host's checkout is now the jail's.
  bool go() {
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

  const Head& now() const { return now_; }
  const Head& after() const { return after_; }

  ~Forward() {
    if (!scratch_.empty()) ::unlink(scratch_.c_str());
  }

 private:
  static bool same(const Head& one, const Head& other) {
    return one.branch == other.branch && one.id == other.id;
  }

  // For a branch other than the one that is checked out here.
  std::string target_obstacle() {
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
  std::string index_obstacle(const std::string& from) {
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

  bool publish_index() {
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

  const HostGit& git_;
  const plan::GitRecord& record_;
  Head before_, after_, now_;
  std::string scratch_;
  std::optional<struct stat> before_copy_;
  bool same_index_ = true;
};

std::string counted(const HostGit& git, const std::string& from, const std::string& to) {
  const auto count = from.empty() ? git.ask({"rev-list", "--count", to})
                                  : git.ask({"rev-list", "--count", from + ".." + to});
  return fmt::format("{} commit{}", count, count == "1" ? "" : "s");
}

// A ref whose commits a branch or tag of the host has anyway says nothing.
void drop_redundant(const HostGit& git, std::vector<Arrival>& arrivals) {
  std::string input;
  std::erase_if(arrivals, [&](const Arrival& arrival) {
    const auto own = arrival.from == "HEAD" ? std::string("HEAD") : arrival.from;
    if (arrival.from == "staged" || arrival.from.starts_with("stash/") ||
        git.ask({"rev-parse", "-q", "--verify", own}) != arrival.id)
      return false;
    input += fmt::format("delete {} {}\n", arrival.to, arrival.id);
    return true;
  });
  if (!input.empty()) git.feed({"update-ref", "--no-deref", "--stdin"}, input);
}

std::string what_is(const Arrival& arrival) {
  if (arrival.from == "staged") return "changes staged in the jail";
  if (arrival.from.starts_with("stash/")) return "a stash";
  return arrival.from.starts_with("refs/tags/") ? "a tag" : "commits";
}

void say_where(const std::vector<Arrival>& arrivals, const std::string& obstacle) {
  if (!obstacle.empty() && !arrivals.empty()) spdlog::warn("Your branch stays where it is: {}.", obstacle);
  for (const auto& arrival : arrivals) {
    const auto* next = arrival.from == "staged" || arrival.from.starts_with("stash/") ? "git show"
                       : arrival.from.starts_with("refs/tags/")                       ? "git tag NAME"
                                                                                      : "git merge";
    spdlog::info("{} came home as {}: {} {}", what_is(arrival), short_id(arrival.id), next, arrival.to);
  }
}

// `git init` where there was no repository; what the agent's config says plays no part.
plan::GitRecord make_repository(const plan::GitRecord& record, const GitRefs& collected,
                                const std::string& scratch, const core::Environment& environment) {
  auto made = record;
  made.git_dir = made.common_dir = record.project + "/.git";
  if (host::lstat_of(made.git_dir + "/HEAD")) return made;
  if (!host::list_directory(made.git_dir).empty())
    throw Refused(fmt::format("{} is there, but no repository", printable(made.git_dir)));
  const auto head = head_in(collected);
  const bool long_ids = std::any_of(collected.begin(), collected.end(),
                                    [](const auto& ref) { return ref.second.size() == 64; });
  const bool plain = head.branch.starts_with("refs/heads/") && plan::is_plain_ref_name(head.branch);
  const HostGit git(record, scratch, environment);
  auto command =
      git.command({"init", "--quiet",
                   "--template=", fmt::format("--initial-branch={}", plain ? head.branch.substr(11) : "main"),
                   fmt::format("--object-format={}", long_ids ? "sha256" : "sha1"), record.project});
  for (auto& variable : command.env) {
    if (variable.name == "GIT_DIR") variable.value = made.git_dir;
    if (variable.name == "GIT_COMMON_DIR") variable.value = made.git_dir;
    if (variable.name == "GIT_OBJECT_DIRECTORY") variable.value = made.git_dir + "/objects";
    if (variable.name == "GIT_INDEX_FILE") variable.value = made.git_dir + "/index";
  }
  std::erase_if(command.env, [](const auto& variable) { return variable.name == "GIT_WORK_TREE"; });
  const auto result = host::capture(command);
  if (!result.status.ok())
    throw Refused(fmt::format("git init failed: {}", printable(first_line(result.err))));
  return made;
}

// Files of LFS are named by the hash of their content; git-lfs checks it when it uses them.
void take_lfs_objects(const std::string& shadow, const plan::GitRecord& record) {
  const auto from = shadow + "/lfs/objects";
  host::walk_tree(from, 100000, [&](const std::string& path, const struct stat& info) {
    const auto name = path.substr(path.rfind('/') + 1);
    if (!S_ISREG(info.st_mode) || name.size() != 64 || !plan::is_object_id(name) ||
        path != fmt::format("{}/{}/{}", name.substr(0, 2), name.substr(2, 2), name))
      return true;
    const auto to = fmt::format("{}/lfs/objects/{}", record.common_dir, path);
    if (host::lstat_of(to)) return true;
    host::make_private_directories(to.substr(0, to.rfind('/')));
    host::copy_below(from, path, to);
    return true;
  });
}

// git would wait for a FIFO, and read a device without end.
void check_shadow(const std::string& shadow) {
  std::string odd;
  const bool complete =
      host::walk_tree(shadow, 2000000, [&](const std::string& path, const struct stat& info) {
        if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) odd = path;
        return path != "hooks";
      });
  if (!odd.empty())
    throw Refused(fmt::format("its .git/{} is neither a file nor a directory", printable(odd)));
  if (!complete) throw Refused("its .git has too many files");
}

bool bring_home(const plan::Engine& engine, const ShadowedSession& session, const plan::Jail& jail,
                const ShadowState& state, const core::Environment& environment) {
  check_shadow(session.path + "/" + state.record->shadow);
  const auto answer = collect(engine, session, jail);
  const auto& collected = answer.collected.refs;
  auto plan = plan::plan_arrivals(state.known, collected, session.refs);
  const auto before = head_in(state.known);
  const auto after = head_in(collected);
  const bool moved = before.branch != after.branch && !after.id.empty();
  // HEAD on no branch is worth a ref only if nothing else leads there.
  std::erase_if(plan.refs, [&](const Arrival& arrival) {
    return arrival.from == "HEAD" && std::any_of(collected.begin(), collected.end(), [&](const auto& ref) {
             return ref.first != "HEAD" && ref.second == arrival.id;
           });
  });
  for (const auto& name : plan.refused)
    spdlog::warn("The jail's ref {} has a name that is not taken over.", printable(name));
  if (plan.refs.empty() && !moved) return plan.refused.empty();
  if (state.record->git_dir.empty() && !state.record->above.empty())
    throw Refused(
        fmt::format("the project is a part of the repository {}, and a repository within it is not made "
                    "unasked",
                    printable(state.record->above)));
  const auto record = state.record->git_dir.empty()
                          ? make_repository(*state.record, collected, session.path, environment)
                          : *state.record;
  const HostGit git(record, session.path, environment);
  take_objects(git, answer);
  check_connected(git, plan.refs);
  write_refs(git, plan.refs);
  take_lfs_objects(session.path + "/" + record.shadow, record);

  Forward forward(git, record, state.known, collected);
  auto obstacle = forward.obstacle();
  if (obstacle.empty() && forward.needed()) {
    const auto from = forward.now();
    if (forward.go()) {
      const auto& to = forward.after();
      const auto name = to.branch.empty() ? "HEAD" : to.branch.substr(11);
      if (from.id != to.id) {
        spdlog::info("{} came home: {} is now at {}{}.", counted(git, from.id, to.id), name, short_id(to.id),
                     from.branch != to.branch ? ", and checked out as in the jail" : "");
      } else if (from.branch != to.branch) {
        spdlog::info("{} is checked out now, as in the jail.", name);
      }
    } else {
      obstacle = "git here is busy with it";
    }
  }
  drop_redundant(git, plan.refs);
  say_where(plan.refs, obstacle);
  return plan.refused.empty();
}

// One part of a session (session_parts).
bool bring_part_home(const plan::Engine& engine, const ShadowedSession& session, ObjectViews& views,
                     const core::Environment& environment) {
  std::string reason;
  // Submodules first: the superproject may speak of their commits.
  auto units = session_units(session.path);
  std::reverse(units.begin(), units.end());
  for (const auto& unit : units) {
    const auto state = read_shadow_state(session.path, unit);
    if (!state.record || !state.has_work) continue;
    if (unit != session.path) spdlog::info("Submodule {}:", printable(state.record->project));
    try {
      const auto jail = collector_for(session, unit, *state.record, views);
      if (!bring_home(engine, session, jail, state, environment)) reason = "some refs were left";
    } catch (const Refused& refused) {
      reason = refused.what();
    } catch (const core::Error& error) {
      reason = error.what();
    }
  }
  if (const auto added = new_modules(session.path); !added.empty() && reason.empty())
    reason =
        fmt::format("the repository of the new submodule {} is in its git/modules", printable(added.front()));
  if (reason.empty()) return true;
  spdlog::warn("Commits of the jail stay in {}: {}.", printable(session.path), reason);
  spdlog::warn("  try again: jailed git import {0}    give them up: jailed git drop {0}", session.id);
  return false;
}

}  // namespace

bool bring_commits_home(const plan::Engine& engine, const ShadowedSession& session, ObjectViews& views,
                        const core::Environment& environment) {
  const bool several = session_parts(session.path).size() > 1;
  bool home = true;
  for (const auto& part : parts_with_work(session.path)) {
    if (several) spdlog::info("{}:", printable(session_project(part)));
    const ShadowedSession own{session.id, part, session.view + part.substr(session.path.size()), session.jail,
                              refs_of_part(part, session.id)};
    if (!bring_part_home(engine, own, views, environment)) {
      home = false;
    } else if (several) {
      forget_shadow(part);
    }
  }
  return home;
}

void strip_session(const std::string& session) {
  for (const auto& part : session_parts(session)) {
    for (const auto& name : host::list_directory(part)) {
      if (name == "git" || name == "repository" || name == "known" || name == "known-refs" || name == "kept" ||
          name == "empty-file" || name == "modules" || name == "projects" || name == "number" || name == "conflicts" || name.starts_with("quarantine"))
        continue;
      host::remove_tree(part + "/" + name);
    }
    if (part != session) ::rmdir(part.c_str());
  }
  if (!host::lstat_of(session + "/kept")) host::write_new_file(session + "/kept", "", 0600);
}

}  // namespace jailed::commands
