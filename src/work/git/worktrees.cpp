#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/git/worktrees.hpp>

namespace jailed::work {
namespace {

constexpr std::size_t kShortFile = 4096;
constexpr std::size_t kLongestRepository = 1 << 20;
constexpr std::size_t kMost = 32;
constexpr std::size_t kMostEntries = 100000;

std::vector<std::string> names_in(const std::string& git_dir) {
  auto names = host::names_below(git_dir, "worktrees");
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<plan::JailWorktree> read_worktree(const std::string& git_dir, const std::string& name, const std::string& workspace) {
  const auto place = "worktrees/" + name;
  const auto gitdir = host::read_below(git_dir, place + "/gitdir", kShortFile);
  const auto head = host::read_below(git_dir, place + "/HEAD", kShortFile);
  return gitdir && head ? plan::jail_worktree(name, *gitdir, *head, workspace) : std::nullopt;
}

std::optional<plan::GitRecord> record_of(const std::string& part) {
  const auto text = host::read_below(part, "repository", kLongestRepository);
  return text ? plan::parse_record(*text) : std::nullopt;
}

}  // namespace

void find_worktrees(plan::GitFacts& facts) {
  // In the shadow of a worktree there are no others.
  if (facts.git_dir != facts.common_dir) return;
  for (const auto& name : names_in(facts.common_dir)) {
    const auto worktree = read_worktree(facts.common_dir, name, facts.project);
    if (!worktree || facts.worktrees.size() >= kMost) continue;
    const auto gitfile = host::read_below(facts.project, worktree->path + "/.git", kShortFile);
    if (!gitfile || plan::resolve_path(facts.project + "/" + worktree->path, plan::parse_gitfile(*gitfile)) !=
                        facts.common_dir + "/worktrees/" + name)
      continue;
    facts.worktrees.push_back({name, worktree->path});
  }
}

void make_worktree_shadows(const plan::GitPlan& plan, const plan::GitFacts& facts, const std::string& session) {
  if (plan.worktrees.empty()) return;
  const auto own = session + "/worktrees";
  const auto shadows = session + "/git/worktrees";
  ::mkdir(own.c_str(), 0755);
  ::mkdir(shadows.c_str(), 0755);
  for (std::size_t i = 0; i < plan.worktrees.size(); ++i) {
    const auto& name = facts.worktrees[i].name;
    const auto shadow = shadows + "/" + name;
    ::mkdir(shadow.c_str(), 0755);
    for (const auto* file : {"HEAD", "index", "ORIG_HEAD"})
      host::copy_below(facts.common_dir, fmt::format("worktrees/{}/{}", name, file), shadow + "/" + file);
    host::write_new_file(shadow + "/commondir", "../..\n", 0644);
    host::write_new_file(shadow + "/gitdir", plan.worktrees[i].back_link, 0644);
    host::write_new_file(fmt::format("{}/{}", own, i), plan.worktrees[i].gitfile, 0644);
  }
}

std::vector<plan::JailWorktree> worktrees_in(const std::string& part, const plan::GitRecord& record) {
  std::vector<plan::JailWorktree> worktrees;
  if (record.read_only) return worktrees;
  for (const auto& name : names_in(part + "/git")) {
    auto worktree = read_worktree(part + "/git", name, record.workspace);
    if (!worktree || !host::open_directory_below(record.project, worktree->path)) continue;
    if (worktrees.size() < kMost) worktrees.push_back(std::move(*worktree));
  }
  return worktrees;
}

bool worktrees_can_be_read(const std::string& part) {
  return host::walk_entries(host::open_directory_below(part + "/git", "worktrees"), kMostEntries,
                            [](const auto& entry) { return entry.path.find('/') == std::string::npos; });
}

bool worktrees_differ(const std::string& part) {
  const auto record = record_of(part);
  if (!record || record->git_dir.empty()) return false;
  if (!record->read_only && !worktrees_can_be_read(part)) return true;
  std::vector<plan::JailWorktree> here;
  for (const auto& name : names_in(record->common_dir)) {
    auto worktree = read_worktree(record->common_dir, name, record->project);
    if (worktree && host::lstat_of(fmt::format("{}/worktrees/{}/index", record->common_dir, name))) here.push_back(std::move(*worktree));
  }
  const auto all = worktrees_in(part, *record);
  return std::any_of(all.begin(), all.end(), [&](const auto& worktree) {
    return std::none_of(here.begin(), here.end(),
                        [&](const auto& own) { return own.path == worktree.path && own.head == worktree.head; }) ||
           !host::lstat_of(fmt::format("{}/{}/.git", record->project, worktree.path));
  });
}

GitfilesOfJail::GitfilesOfJail(const std::string& part) {
  const auto record = record_of(part);
  if (!record || record->git_dir.empty()) return;
  worktrees_ = worktrees_in(part, *record);
  place_ = {record->workspace, record->place};
}

bool GitfilesOfJail::wrote(std::string_view path, std::string_view content) const {
  return std::any_of(worktrees_.begin(), worktrees_.end(), [&](const auto& worktree) {
    return path == worktree.path + "/.git" && plan::is_gitfile_of(worktree, place_, content);
  });
}

}  // namespace jailed::work
