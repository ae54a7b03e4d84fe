#pragma once
#include <cstddef>
#include <functional>
#include <jailed/plan/git/config.hpp>
#include <jailed/plan/guard/table.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Of the paths that one file names. More are nobody's work.
inline constexpr std::size_t kMostNamed = 1000;

/// Whose git's settings are.
struct SettingsOf {
  std::string project;
  std::string work_tree;  // the project, a submodule or a worktree in it: git runs there what the settings name
  std::string git_dir;    // empty: of the user's own settings, which hold in every work tree below the project
};

/// Entries of what git's settings name inside the project: hooks directories, included files, programs. What git runs unasked is named
/// whether it is there or not, what it runs when it is told to (an alias) only where `exists` finds it below the project.
std::vector<HostEntry> named_by_git(const SettingsOf& whose, const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists);

/// Entries of the files that an .envrc at `path` reads; more than kMostNamed: there were too many. Best effort: an .envrc is a program.
std::vector<HostEntry> named_by_envrc(const std::string& path, std::string_view text);

}  // namespace jailed::plan
