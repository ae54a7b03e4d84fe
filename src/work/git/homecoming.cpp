#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/work/git/branches.hpp>
#include <jailed/work/git/forward.hpp>
#include <jailed/work/git/homecoming.hpp>
#include <jailed/work/git/host_git.hpp>
#include <jailed/work/git/lfs.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/git/worktrees.hpp>
#include <jailed/work/session/parts.hpp>
#include <set>

namespace jailed::work {
namespace {

using core::printable;
using plan::Arrival;
using plan::GitRefs;

constexpr std::uint64_t kMostBytes = 4ULL << 30;
// What unpacks to a thousand times its size takes its time.
constexpr auto kIndexPatience = std::chrono::hours(1);
constexpr std::size_t kMostHeader = 64U << 20;

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
  spdlog::debug("{}", core::shell_line(plan::collection_call(engine, jail)));
  const auto [not_started, result] = engine::run_collector(engine, jail, answer.file.get(), kMostBytes);
  if (!not_started.empty()) throw Refused(fmt::format("the jail that packs them did not start: {}", printable(first_line(not_started))));
  if (result.write_error != 0)
    throw Refused(fmt::format("there is no room for them in {}: {}", printable(session.path), std::strerror(result.write_error)));
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
  const auto indexed = host::capture_with_input(
      git.command({"index-pack", "--stdin", "--fix-thin", "--strict", fmt::format("--max-input-size={}", kMostBytes)}), answer.file.get(),
      kIndexPatience);
  if (!indexed) throw Refused("git on this machine does not come to an end with their objects");
  if (!indexed->status.ok())
    throw Refused(
        fmt::format("git on this machine refuses their objects: {}", printable(first_line(indexed->err))));
}

void check_connected(const HostGit& git, const std::vector<Arrival>& arrivals) {
  std::string input;
  for (const auto& arrival : arrivals) input += arrival.id + "\n";
  const auto checked = git.feed({"rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"}, input);
  if (!checked.status.ok())
    throw Refused(fmt::format("objects are missing: {}", printable(first_line(checked.err))));
}

void write_arrivals(const HostGit& git, const std::vector<Arrival>& arrivals) {
  std::string input;
  for (const auto& arrival : arrivals) input += fmt::format("update {} {}\n", arrival.to, arrival.id);
  const auto written =
      git.feed({"update-ref", "--no-deref", "-m", "jailed: commits of a jail", "--stdin"}, input);
  if (!written.status.ok())
    throw Refused(fmt::format("git cannot write the refs: {}", printable(first_line(written.err))));
}

std::string counted(const HostGit& git, const std::string& from, const std::string& to) {
  const auto count = from.empty() ? git.ask({"rev-list", "--count", to})
                                  : git.ask({"rev-list", "--count", from + ".." + to});
  return fmt::format("{} commit{}", count, count == "1" ? "" : "s");
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

// git would wait for a FIFO, and read a device without end. The engine mounts it by its path, and what is below the jail's .git the jail
// could replace: a link there would have another repository of the user's packed, for the next jail to read.
void check_shadow(const std::string& session, const std::string& shadow) {
  std::string odd;
  auto root = host::open_directory_below(session, shadow);
  if (!root) throw Refused(fmt::format("{} is no directory of the jail's any more", printable(shadow)));
  const bool complete = host::walk_entries(std::move(root), 2000000, [&](const host::WalkedEntry& entry) {
    if (!S_ISREG(entry.info.st_mode) && !S_ISDIR(entry.info.st_mode)) odd = entry.path;
    return odd.empty() && entry.path != "hooks";
  });
  if (!odd.empty())
    throw Refused(fmt::format("its .git/{} is neither a file nor a directory", printable(odd)));
  if (!complete) throw Refused("its .git has too many files, or some that cannot be read");
}

// The same of the repository here, which may have come in an archive. Sockets are no matter: git's own fsmonitor has one there.
void check_repository(const plan::GitRecord& record) {
  const auto waits = [](const host::ScannedDirectory& directory, const host::ScannedName& name) {
    struct stat info {};
    return (name.kind == host::ScannedName::Kind::other || name.kind == host::ScannedName::Kind::link) &&
           ::fstatat(directory.directory, name.name.data(), &info, 0) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode));
  };
  for (const auto& root : std::set<std::string>{record.git_dir, record.common_dir}) {
    std::string odd;
    const auto visit = [&](const host::ScannedDirectory& directory) {
      for (const auto& name : directory.names) {
        if (waits(directory, name)) odd = fmt::format("{}/{}{}{}", root, directory.path, directory.path.empty() ? "" : "/", name.name);
      }
    };
    if (!root.empty()) host::scan_tree(root, {}, visit, [](const auto&) {});
    if (!odd.empty()) throw Refused(fmt::format("{} is no file, and git would wait for it", printable(odd)));
  }
}

bool bring_refs_home(const plan::Engine& engine, const ShadowedSession& session, const plan::Jail& jail,
                     const ShadowState& state, const core::Environment& environment) {
  check_shadow(session.path, state.record->shadow);
  check_repository(*state.record);
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
  const bool worktrees = !state.record->git_dir.empty() && state.record->shadow == "git" && worktrees_differ(session.path);
  if (plan.refs.empty() && !moved && !worktrees) return plan.refused.empty();
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
  write_arrivals(git, plan.refs);
  if (take_lfs_objects(session.path + "/" + record.shadow, record.common_dir) != 0)
    throw Refused("not all files of LFS could be copied home; lfs/objects in the repository must be no link, and writable");

  Forward forward(git, record, state.known, collected);
  const auto obstacle = forward.obstacle();
  if (obstacle.empty() && forward.needed()) {
    const auto from = forward.now();
    forward.go();
    const auto& to = forward.after();
    const auto name = to.branch.empty() ? "HEAD" : to.branch.substr(11);
    if (from.id != to.id) {
      spdlog::info("{} came home: {} is now at {}{}.", counted(git, from.id, to.id), name, short_id(to.id),
                   from.branch != to.branch ? ", and checked out as in the jail" : "");
    } else if (from.branch != to.branch) {
      spdlog::info("{} is checked out now, as in the jail.", name);
    }
  }
  take_branches(git, plan.refs, state.known);
  if (record.shadow == "git") bring_worktrees_home(git, record, session.path, collected, environment);
  drop_redundant(git, plan.refs);
  say_where(plan.refs, obstacle);
  if (record.shadow == "git" && !worktrees_can_be_read(session.path)) throw Refused("the jail's worktrees cannot all be read");
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
    if (!state.record || (!state.has_work && !(unit == session.path && worktrees_differ(unit)))) continue;
    if (unit != session.path) spdlog::info("Submodule {}:", printable(state.record->project));
    try {
      if (!host::lstat_of(state.record->project))
        throw Refused(fmt::format("{} is gone; put it back first", printable(state.record->project)));
      const auto jail = collector_for(session, unit, *state.record, views);
      if (!bring_refs_home(engine, session, jail, state, environment)) reason = "some refs were left";
    } catch (const Refused& refused) {
      reason = refused.what();
    } catch (const std::exception& error) {
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

}  // namespace jailed::work
