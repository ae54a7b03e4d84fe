#pragma once
#include <jailed/core/settings.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Where a jail's state and caches are, below the configuration directory. Without options every jail shares `agents/` and
/// `cache/`; a profile has agents of its own in `profiles/<name>/agents`, a project a cache of its own in
/// `caches/<name>-<hash of its path>`.
struct StatePaths {
  std::string agents;
  std::string cache;  // empty: ~/.cache is memory and gone with the jail
  bool operator==(const StatePaths&) const = default;
};

StatePaths state_paths(const std::string& config, const core::Settings& settings, const std::string& project);

/// Whether `text` can be a profile's name: letters, digits, '.', '_', '-', no dot in front, at most 64.
bool is_profile_name(std::string_view text);

}  // namespace jailed::plan
