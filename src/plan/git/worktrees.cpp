#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/refs.hpp>
#include <jailed/plan/git/worktrees.hpp>

namespace jailed::plan {
namespace {

constexpr std::string_view kGit = "/.git";

bool is_plain_name(std::string_view name) {
  return name.size() <= 100 && name.find('/') == std::string_view::npos && is_plain_ref_name(fmt::format("refs/{}", name));
}

// Relative, in its shortest form, and no part of it one that git or a terminal takes for something else.
bool is_worktree_path(std::string_view path) {
  if (path.empty() || path.size() > 1024 || !unmountable(std::string(path)).empty() ||
      resolve_path("/", path) != fmt::format("/{}", path))
    return false;
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) return false;
  for (const auto part : core::parts(path, '/')) {
    if (part.size() == 4 && part[0] == '.' && (part[1] | 32) == 'g' && (part[2] | 32) == 'i' && (part[3] | 32) == 't') return false;
  }
  return true;
}

}  // namespace

std::optional<JailWorktree> jail_worktree(std::string_view name, std::string_view gitdir, std::string_view head,
                                          std::string_view workspace) {
  auto path = core::without_line_end(gitdir);
  if (!is_plain_name(name) || !path.starts_with(workspace) || !path.ends_with(kGit)) return std::nullopt;
  path.remove_prefix(workspace.size());
  path.remove_suffix(std::min(path.size(), kGit.size()));
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const auto value = parse_loose_ref(head);
  if (!is_worktree_path(path) || !value) return std::nullopt;
  const bool on_branch = value->starts_with("ref: refs/heads/") && is_plain_ref_name(value->substr(5));
  if (!on_branch && !is_object_id(*value)) return std::nullopt;
  return JailWorktree{std::string(name), std::string(path), *value};
}

bool is_gitfile_of(const JailWorktree& worktree, const JailPlace& place, std::string_view content) {
  const auto named = parse_gitfile(content);
  return named == fmt::format("{}/.git/worktrees/{}", place.workspace, worktree.name) ||
         named == fmt::format("{}/git/worktrees/{}", place.git, worktree.name);
}

void add_worktrees(GitPlan& plan, const GitFacts& facts, const GitSources& sources) {
  // In a tree that Mutagen brings nothing can be mounted on a file.
  if (sources.synced || sources.beside) return;
  const auto& workspace = sources.place.workspace;
  const auto shadow = facts.entry == GitFacts::Entry::file ? sources.place.git + "/git" : workspace + "/.git";
  for (std::size_t i = 0; i < facts.worktrees.size(); ++i) {
    const auto gitfile = fmt::format("{}/{}/.git", workspace, facts.worktrees[i].path);
    plan.binds.push_back({fmt::format("{}/worktrees/{}", sources.view, i), gitfile, true});
    plan.worktrees.push_back({fmt::format("gitdir: {}/worktrees/{}\n", shadow, facts.worktrees[i].name), gitfile + "\n"});
  }
}

}  // namespace jailed::plan
