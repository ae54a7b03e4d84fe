#include <fmt/format.h>
#include <unistd.h>

#include <jailed/core/command.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/git/borrowed.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <jailed/work/git/shapes.hpp>
#include <jailed/work/git/worktrees.hpp>

namespace jailed::work {
namespace {

using plan::GitFacts;

std::string work_tree_of(const std::string& git_dir) {
  const auto config = host::read_below(git_dir, "config", kSmallGitFile);
  std::string work_tree;
  for (const auto& setting : plan::parse_git_config(config.value_or(""))) {
    if (setting.section == "core" && setting.key == "worktree") work_tree = setting.value;
  }
  return work_tree;
}

void follow_gitfile(GitFacts& facts, const Surroundings& around) {
  const auto content = host::read_below(facts.project, ".git", kSmallGitFile);
  const auto named = plan::parse_gitfile(content.value_or(""));
  std::string reason;
  if (!named.empty()) facts.git_dir = host::canonical(plan::resolve_path(facts.project, named), reason);
  if (facts.git_dir.empty()) {
    facts.problem = "its .git file leads nowhere";
    return;
  }
  const auto common = host::read_below(facts.git_dir, "commondir", kSmallGitFile);
  const auto back_link = host::read_below(facts.git_dir, "gitdir", kSmallGitFile).value_or("");
  facts.common_dir = facts.git_dir;
  if (common) {
    facts.common_dir = host::canonical(
        plan::resolve_path(facts.git_dir, std::string_view(*common).substr(0, common->find('\n'))), reason);
  }
  const bool inside = plan::is_within(facts.git_dir, facts.project);
  if (!inside && !plan::points_back(facts.project, facts.git_dir, back_link, work_tree_of(facts.git_dir)))
    facts.problem = fmt::format("its .git file names {}, which does not name this directory back",
                                core::printable(facts.git_dir));
  // Nothing in the project leads out of it by a second step.
  if (facts.problem.empty() && facts.common_dir != facts.git_dir &&
      (!plan::is_worktree_of(facts.git_dir, facts.common_dir) ||
       (inside && !plan::is_within(facts.common_dir, facts.project))))
    facts.problem = fmt::format("{} names another repository than its own", core::printable(facts.git_dir + "/commondir"));
  if (facts.problem.empty()) check_common_store(facts, around);
}

void check_shape(GitFacts& facts) {
  if (!facts.problem.empty()) return;
  for (const auto* name : {"objects", "refs"}) {
    if (!is_real_directory(facts.common_dir + "/" + name))
      facts.problem = fmt::format("{}/{} is no directory", core::printable(facts.common_dir), name);
  }
  if (!is_real_file(facts.git_dir + "/HEAD"))
    facts.problem = fmt::format("{}/HEAD is no file", core::printable(facts.git_dir));
  if (const auto reason = plan::unmountable(facts.common_dir); !reason.empty())
    facts.problem = fmt::format("its path has {}", reason);
}

// Submodules whose work tree is where their config says, with a .git file that leads back.
void find_modules(GitFacts& facts, const Surroundings& around) {
  constexpr std::size_t most = 64;
  const auto place = facts.git_dir + "/modules";
  std::vector<std::string> names;
  host::walk_tree(place, 20000, [&](const std::string& path, const struct stat& info) {
    if (!S_ISDIR(info.st_mode)) return false;
    const auto outer = names.empty() ? std::string{} : names.back();
    const bool inside = !outer.empty() && plan::is_within("/" + path, "/" + outer);
    if (inside && !plan::is_within("/" + path, "/" + outer + "/modules")) return false;
    if (is_git_shape(place + "/" + path) && names.size() < most) names.push_back(path);
    return true;
  });
  for (const auto& name : names) {
    plan::GitModule module{name, place + "/" + name, {}, {}};
    const auto work_tree = plan::resolve_path(module.git_dir, work_tree_of(module.git_dir));
    if (!plan::is_within(work_tree, facts.project) || work_tree == facts.project) continue;
    module.path = work_tree.substr(facts.project.size() + 1);
    std::string reason;
    const auto gitfile = host::read_below(facts.project, module.path + "/.git", kSmallGitFile);
    if (!gitfile || !plan::unmountable(module.path).empty() || !plan::unmountable(name).empty() ||
        plan::is_in_repository(module.path))
      continue;
    if (host::canonical(plan::resolve_path(work_tree, plan::parse_gitfile(*gitfile)), reason) !=
        module.git_dir)
      continue;
    if (!is_real_directory(module.git_dir + "/objects") || !is_real_directory(module.git_dir + "/refs"))
      continue;
    module.objects = object_stores(facts, module.git_dir, module.git_dir, around);
    if (!facts.problem.empty()) return;
    facts.modules.push_back(std::move(module));
  }
}

void find_lfs(GitFacts& facts) {
  if (is_real_directory(facts.common_dir + "/lfs") && is_real_directory(facts.common_dir + "/lfs/objects"))
    facts.lfs_objects = facts.common_dir + "/lfs/objects";
}

std::string repository_above(const std::string& project) {
  auto directory = project;
  while (directory.size() > 1) {
    const auto slash = directory.rfind('/');
    directory.resize(slash == 0 ? 1 : slash);
    const auto entry = directory + (directory == "/" ? ".git" : "/.git");
    if (is_git_shape(entry) || is_real_file(entry)) return directory;
  }
  return {};
}

}  // namespace

plan::GitFacts look_at_git(const std::string& project, const Surroundings& around) {
  GitFacts facts;
  facts.project = project;
  const auto entry = host::lstat_of(project + "/.git");
  if (entry) {
    facts.entry = S_ISDIR(entry->st_mode)   ? GitFacts::Entry::directory
                  : S_ISREG(entry->st_mode) ? GitFacts::Entry::file
                  : S_ISLNK(entry->st_mode) ? GitFacts::Entry::symlink
                                            : GitFacts::Entry::other;
  }
  if (facts.entry == GitFacts::Entry::file) {
    follow_gitfile(facts, around);
  } else if (facts.entry == GitFacts::Entry::directory && is_git_shape(project + "/.git")) {
    facts.git_dir = facts.common_dir = project + "/.git";
    if (host::lstat_of(facts.git_dir + "/commondir")) facts.problem = "it has a file .git/commondir";
  }
  if (!facts.git_dir.empty()) {
    check_shape(facts);
    if (facts.problem.empty()) {
      facts.objects = object_stores(facts, facts.git_dir, facts.common_dir, around);
      find_lfs(facts);
      find_modules(facts, around);
      find_worktrees(facts);
    }
  } else {
    facts.bare_at_root = is_git_shape(project);
    facts.may_make_entry = ::access(project.c_str(), W_OK) == 0;
    facts.above = repository_above(project);
  }
  return facts;
}

}  // namespace jailed::work
