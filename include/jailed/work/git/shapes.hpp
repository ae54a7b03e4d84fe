#pragma once
#include <cstddef>
#include <string>

namespace jailed::work {

/// Files of git that are read whole are no longer than this: configurations, .git files, HEAD.
constexpr std::size_t kSmallGitFile = 1 << 20;

/// By lstat: no link is followed.
bool is_real_directory(const std::string& path);
bool is_real_file(const std::string& path);
/// Every directory on the way is one.
bool is_real_below(const std::string& root, const std::string& path);

/// What git itself looks for (is_git_directory in its setup.c).
bool is_git_shape(const std::string& directory);

}  // namespace jailed::work
