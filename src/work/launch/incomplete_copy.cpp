#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <jailed/core/fields.hpp>
#include <jailed/engine/steps.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/sync/problems.hpp>
#include <jailed/work/git/unseen.hpp>
#include <jailed/work/launch/incomplete_copy.hpp>
#include <jailed/work/session/parts.hpp>

namespace jailed::work {
namespace {

constexpr std::size_t kNamesSaid = 10;

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesSaid; ++i) text += (i > 0 ? ", " : "") + core::printable(names[i]);
  if (names.size() > kNamesSaid) text += fmt::format(" and {} more", names.size() - kNamesSaid);
  return text;
}

void name(const plan::LeftOut& left) {
  if (left.nothing()) return;
  std::vector<std::string> names;
  for (const auto& problem : left.problems) names.push_back(fmt::format("{} ({})", problem.path, problem.error));
  auto text = some_of(names);
  if (left.more > 0) text += fmt::format(" and {} more", left.more);
  spdlog::warn("Not in the jail, since Mutagen cannot carry it: {}", text);
}

// Of such Mutagen says nothing.
void add_others(plan::LeftOut& left, const HostExecution& execution) {
  for (const auto& path : execution.others) left.problems.push_back({path, "neither a file nor a directory"});
  left.more += execution.more_others;
}

// The user's own, but not to be read by them, is there as well.
bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 || errno == EACCES;
}

// Where git works in the jail.
struct WorkTree {
  std::string there;
  std::string here;
};

std::vector<WorkTree> work_trees(const ProjectShare& share) {
  std::vector<WorkTree> trees;
  if (share.git.kind != plan::GitPlan::Kind::shadow && share.git.kind != plan::GitPlan::Kind::plain) return trees;
  const auto& workspace = share.place.workspace;
  trees.push_back({workspace, share.path});
  for (const auto& module : share.git.modules) {
    if (plan::is_within(module.work_tree, workspace)) trees.push_back({module.work_tree, share.path + module.work_tree.substr(workspace.size())});
  }
  return trees;
}

// Whether Mutagen could not take it, rather than was told not to.
bool cannot_be_carried(const plan::LeftOut& left, const std::string& project, const std::string& path) {
  if (plan::is_left_out(left, path.substr(project.size() + 1))) return true;
  struct stat info {};
  const bool is_link = ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  return !is_link && ::access(path.c_str(), R_OK) != 0;
}

void check_share(const plan::Engine& engine, const Cargo& cargo, const ProjectShare& share, const plan::LeftOut& left) {
  std::vector<std::string> lost;
  std::string unseen;
  for (const auto& tree : work_trees(share)) {
    const auto missing = engine::missing_files(engine, cargo.container, tree.there);
    if (!missing) continue;  // no repository
    for (const auto& path : paths_in(*missing)) {
      const auto here = tree.here + "/" + path;
      if (!is_there(here)) continue;  // deleted here, too
      if (cannot_be_carried(left, share.path, here)) lost.push_back(here.substr(share.path.size() + 1));
      core::add_field(unseen, here);
    }
  }
  if (!lost.empty())
    throw IncompleteCopy(fmt::format("Mutagen cannot carry files that git tracks, and a commit in the jail could delete them: {}.", some_of(lost)),
                         engine.reach.mounts ? "do without it: jailed --sync bind" : "make them readable, with names that are UTF-8");
  const auto part = fmt::format("{}/{}{}", cargo.sessions, cargo.id, plan::part_below(share.name));
  if (!unseen.empty()) note_unseen(part, unseen);
}

}  // namespace

void check_copy(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo, const std::vector<ProjectShare>& shares,
                bool leaves_out) {
  for (const auto& share : shares) {
    const auto state = sync.state(plan::sync_key(cargo.id, share.name));
    auto left = state ? plan::left_out(*state) : plan::LeftOut{};
    // A call of the engine only where something can be missing.
    if (!left.nothing() || leaves_out || !share.git.hidden.empty()) check_share(engine, cargo, share, left);
    add_others(left, share.execution);
    name(left);
  }
}

void name_left_out(const SyncEngine& sync, const std::string& key, const HostExecution& execution) {
  const auto state = sync.state(key);
  auto left = state ? plan::left_out(*state) : plan::LeftOut{};
  add_others(left, execution);
  name(left);
}

}  // namespace jailed::work
