#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// One variable of a git configuration file. Section and key are lower case, as git compares them; the
/// subsection is kept as written.
struct GitSetting {
  std::string section, subsection, key, value;
  bool operator==(const GitSetting&) const = default;
};

/// Reads the syntax of git-config(1). Includes are not followed. What follows a syntax error is left out, so
/// that a damaged file gives less, never something else.
std::vector<GitSetting> parse_git_config(std::string_view text);

/// Writes them in that syntax, so that git reads the same values back.
std::string format_git_config(const std::vector<GitSetting>& settings);

/// `url` without what opens the door: user and password and query of http(s), the password of others.
std::string without_credentials(std::string_view url);

/// The settings that a jail may see: those of a list of inert ones, with credentials taken out of URLs. What
/// runs programs, includes files, names paths of the host or carries secrets is not on the list.
std::vector<GitSetting> inert_settings(const std::vector<GitSetting>& settings);

}  // namespace jailed::plan
