#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/git/worktrees.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {
namespace {

using Entry = GitFacts::Entry;
using core::GitMode;
using core::printable;

std::string entry_in(const JailPlace& place) { return place.workspace + "/.git"; }

constexpr const char* kWithout = "or work without the repository: --git none";

std::string objects_target(const std::string& place, std::size_t index) {
  return index == 0 ? place + "/objects" : fmt::format("{}/objects-{}", place, index);
}

std::string alternates_file(const std::string& place, const std::vector<ObjectStore>& stores) {
  std::string text;
  for (std::size_t i = 0; i < stores.size(); ++i) text += objects_target(place, i) + "\n";
  return text;
}

// From a directory back to what its path is relative to.
std::string up_from(const std::string& path) {
  std::string up = "../";
  for (const char c : path) {
    if (c == '/') up += "../";
  }
  return up;
}

void refuse_what_cannot_be_shadowed(const GitFacts& facts) {
  if (facts.entry == Entry::symlink) {
    throw core::Error(
        fmt::format("Will not put {} into a jail: its .git is a symbolic link.", printable(facts.project)),
        fmt::format("jail the directory that it leads to, {}", kWithout));
  }
  if (facts.bare_at_root) {
    throw core::Error(fmt::format("Will not put {} into a jail: it is a bare repository, so the agent would "
                                  "write the settings that git on this machine obeys.",
                                  printable(facts.project)),
                      "jail a clone or a worktree of it");
  }
  if (!facts.problem.empty()) {
    throw core::Error(
        fmt::format("The repository of {} cannot be shadowed: {}.", printable(facts.project), facts.problem),
        fmt::format("repair that, {}", kWithout));
  }
}

GitPlan masked(const GitFacts& facts, const GitSources& sources, bool writable) {
  GitPlan plan;
  plan.kind = GitPlan::Kind::masked;
  // Go takes any .git for a repository and fails to build when git says that it is none.
  if (sources.beside) return plan;
  plan.environment = {{"GOFLAGS", "-buildvcs=false"}};
  if (facts.entry == Entry::file) {
    plan.gitfile = fmt::format("gitdir: {}/none\n", sources.place.git);
    plan.binds.push_back({sources.view + "/gitfile", entry_in(sources.place), true});
    return plan;
  }
  if (facts.entry == Entry::none) {
    // The agent has the same rights: where jailed cannot make it, the agent cannot either.
    if (!facts.may_make_entry) return GitPlan{};
    plan.make_entry = true;
  }
  if (facts.entry == Entry::symlink || facts.entry == Entry::other) {
    throw core::Error(
        fmt::format("{}/.git is neither a directory nor a file, so it cannot be hidden from the jail.",
                    printable(facts.project)),
        "move it away, or jail another directory");
  }
  plan.binds.push_back({sources.view + "/git", entry_in(sources.place), !writable});
  return plan;
}

void add_objects(GitPlan& plan, const GitFacts& facts, const GitSources& sources) {
  const auto& place = sources.place.git;
  const auto binds = object_binds(place, facts.objects, sources.objects, sources.view);
  plan.binds.insert(plan.binds.end(), binds.begin(), binds.end());
  plan.alternates = alternates_file(place, facts.objects);
  // git-lfs looks beside the objects that it is referred to.
  if (!facts.lfs_objects.empty()) plan.binds.push_back({sources.lfs_objects, place + "/lfs/objects", true});
}

// Git on the host goes into a submodule when it is asked about the superproject. So the agent must neither
// change its .git file nor move it or a directory above it away: each is a mount of its own, which cannot be
// renamed.
void add_modules(GitPlan& plan, const GitFacts& facts, const GitSources& sources) {
  const auto& workspace = sources.place.workspace;
  const auto& git = sources.place.git;
  const bool elsewhere = facts.entry == Entry::file || sources.beside;
  const auto shadow = elsewhere ? git + "/git" : entry_in(sources.place);
  const bool relative = !elsewhere && !sources.linked;
  std::vector<std::string> mounted;
  for (std::size_t i = 0; i < facts.modules.size(); ++i) {
    const auto& module = facts.modules[i];
    const auto place = fmt::format("{}/modules/{}", git, i);
    for (std::size_t slash = 0; slash != std::string::npos;) {
      slash = module.path.find('/', slash + 1);
      auto part = module.path.substr(0, slash);
      if (std::find(mounted.begin(), mounted.end(), part) != mounted.end()) continue;
      plan.binds.push_back({sources.workspace + "/" + part, workspace + "/" + part, false});
      mounted.push_back(std::move(part));
    }
    const auto work_tree = workspace + "/" + module.path;
    plan.binds.push_back({fmt::format("{}/modules/{}/gitfile", sources.view, i), work_tree + "/.git", true});
    const auto binds = object_binds(place, module.objects, sources.module_objects.at(i), sources.view);
    plan.binds.insert(plan.binds.end(), binds.begin(), binds.end());
    const auto own = "/modules/" + module.name;
    plan.modules.push_back({fmt::format("gitdir: {}{}\n", relative ? up_from(module.path) + ".git" : shadow, own),
                            alternates_file(place, module.objects), work_tree,
                            relative ? up_from(".git" + own) + module.path : work_tree});
  }
}

// A repository whose own directory lies in the project under another name, as in `git clone --bare x .bare`.
void hide_common_dir(GitPlan& plan, const GitFacts& facts, const GitSources& sources) {
  for (const auto& directory : {facts.common_dir, facts.git_dir}) {
    if (directory == facts.project + "/.git" || !is_within(directory, facts.project)) continue;
    const auto target = sources.place.workspace + directory.substr(facts.project.size());
    if (std::none_of(plan.binds.begin(), plan.binds.end(),
                     [&](const auto& bind) { return is_within(target, bind.target); }) ||
        plan.binds.empty()) {
      plan.binds.push_back({sources.view + "/empty", target, true});
      plan.hidden.push_back(directory.substr(facts.project.size() + 1));
    }
  }
}

GitPlan plan_at_place(GitMode mode, const GitFacts& facts, const GitSources& sources) {
  if (mode == GitMode::rw) {
    GitPlan plan;
    plan.warning =
        "--git rw: what the agent writes into .git, git on this machine will obey and run. "
        "Use the default, --git shadow, with agents that you do not trust.";
    return plan;
  }
  if (mode == GitMode::none) return masked(facts, sources, false);
  refuse_what_cannot_be_shadowed(facts);
  if (facts.git_dir.empty()) {
    auto plan = masked(facts, sources, mode == GitMode::shadow);
    if (!facts.above.empty()) {
      plan.notice = fmt::format(
          "The project is a part of the repository {}; the jail has no git there. For git, jail that.",
          printable(facts.above));
    }
    return plan;
  }
  GitPlan plan;
  if (!facts.borrowed.empty()) {
    plan.notice = fmt::format("The project borrows objects of {}{}: the jail can read them.", printable(facts.borrowed.front()),
                              facts.borrowed.size() == 1 ? "" : fmt::format(" and {} more", facts.borrowed.size() - 1));
  }
  plan.kind = GitPlan::Kind::shadow;
  plan.read_only = mode == GitMode::ro;
  if (facts.entry == Entry::file || sources.beside) {
    const auto shadow = sources.place.git + "/git";
    plan.gitfile = fmt::format("gitdir: {}\n", shadow);
    plan.binds.push_back({sources.view + "/gitfile", entry_in(sources.place), true});
    plan.binds.push_back({sources.view + "/git", shadow, plan.read_only});
    hide_common_dir(plan, facts, sources);
  } else {
    plan.binds.push_back({sources.view + "/git", entry_in(sources.place), plan.read_only});
  }
  add_objects(plan, facts, sources);
  add_modules(plan, facts, sources);
  add_worktrees(plan, facts, sources);
  return plan;
}

}  // namespace

GitPlan plan_git(GitMode mode, const GitFacts& facts, const GitSources& sources) {
  auto plan = plan_at_place(mode, facts, sources);
  plan.place = sources.place.git;
  plan.workspace = sources.place.workspace;
  return plan;
}

bool mounts_parts(const GitFacts& facts) {
  return !facts.modules.empty() || std::any_of(facts.objects.begin(), facts.objects.end(), [&](const auto& store) {
    return is_within(store.path, facts.project) && !is_within(store.path, facts.project + "/.git");
  });
}

std::vector<std::string> mounted_elsewhere(const GitFacts& facts) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    if (!path.empty() && !is_within(path, facts.project)) paths.push_back(path);
  };
  for (const auto& store : facts.objects) add(store.path);
  add(facts.lfs_objects);
  for (const auto& module : facts.modules) {
    for (const auto& store : module.objects) add(store.path);
  }
  return paths;
}

std::vector<BindMount> object_binds(const std::string& place, const std::vector<ObjectStore>& stores,
                                    const std::vector<std::string>& sources, const std::string& view) {
  std::vector<BindMount> binds;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    binds.push_back({sources.at(i), objects_target(place, i), true});
    // Host paths mean nothing in the jail; all that the chain leads to is mounted here.
    if (stores[i].chained)
      binds.push_back({view + "/empty-file", objects_target(place, i) + "/info/alternates", true});
  }
  return binds;
}

std::string shadow_config(const std::vector<GitSetting>& settings, bool other_owner) {
  auto kept = inert_settings(settings);
  std::vector<GitSetting> first = {{"core", "", "bare", "false"}};
  // Modes and sizes still tell; owner, inode and ctime are others than those in the index.
  if (other_owner) first.push_back({"core", "", "checkstat", "minimal"});
  if (other_owner) {
    std::erase_if(
        kept, [](const auto& setting) { return setting.section == "core" && setting.key == "checkstat"; });
  }
  kept.insert(kept.begin(), first.begin(), first.end());
  return format_git_config(kept);
}

bool belongs_in_shadow(std::string_view name) {
  static constexpr std::array<std::string_view, 27> names = {
      "HEAD",        "ORIG_HEAD",  "FETCH_HEAD",   "MERGE_HEAD",     "MERGE_MSG",    "MERGE_MODE",
      "MERGE_RR",    "AUTO_MERGE", "SQUASH_MSG",   "COMMIT_EDITMSG", "REVERT_HEAD",  "CHERRY_PICK_HEAD",
      "REBASE_HEAD", "BISECT_LOG", "BISECT_START", "BISECT_TERMS",   "BISECT_NAMES", "description",
      "hooks",       "info",       "shallow",      "rebase-merge",   "rebase-apply", "sequencer",
      "rr-cache",    "reftable",   "TAG_EDITMSG"};
  return std::find(names.begin(), names.end(), name) != names.end() || name.starts_with("sharedindex.");
}

std::string parse_gitfile(std::string_view content) {
  constexpr std::string_view marker = "gitdir:";
  if (!content.starts_with(marker)) return {};
  content.remove_prefix(marker.size());
  while (content.starts_with(' ')) content.remove_prefix(1);
  return std::string(core::without_line_end(content));
}

std::string resolve_path(const std::string& base, std::string_view path) {
  const std::string whole = path.starts_with('/') ? std::string(path) : base + "/" + std::string(path);
  std::vector<std::string_view> parts;
  for (const auto part : core::parts(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string result;
  for (const auto part : parts) {
    result += '/';
    result += part;
  }
  return result.empty() ? "/" : result;
}

bool points_back(const std::string& project, const std::string& git_dir, std::string_view back_link,
                 std::string_view work_tree) {
  back_link = core::without_line_end(back_link);
  if (!back_link.empty() && resolve_path(git_dir, back_link) == project + "/.git") return true;
  return !work_tree.empty() && resolve_path(git_dir, work_tree) == project;
}

}  // namespace jailed::plan
