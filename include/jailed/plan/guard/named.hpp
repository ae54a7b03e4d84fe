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

/// Entries of what git's settings name inside the project: hooks directories, included files, programs.
/// `exists` tells whether a path below the project is there.
std::vector<HostEntry> named_by_git(const std::string& project, const std::string& git_dir,
                                    const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists);

/// Entries of the files that an .envrc at `path` reads; more than kMostNamed: there were too many. Best effort: an .envrc is a program.
std::vector<HostEntry> named_by_envrc(const std::string& path, std::string_view text);

}  // namespace jailed::plan
