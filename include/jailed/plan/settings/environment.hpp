#pragma once
#include <jailed/core/command.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// How the jail's environment reaches it.
struct EnvPlan {
  std::vector<core::EnvVar> constants;  // jailed's own, no secrets: `-e NAME=VALUE`
  std::vector<std::string> names;       // `-e NAME`: the value is in the engine client's environment
  std::vector<core::EnvVar> child_env;  // what has to be added to that environment
  std::vector<core::EnvVar>
      file;  // NAME=VALUE lines of an env file: names that the engine's client obeys itself
  bool operator==(const EnvPlan&) const = default;
};

/// NAME or NAME=VALUE with a NAME that a shell could use.
bool is_env_entry(std::string_view entry);

/// Whether the engine's client (or its dynamic linker) would change its own behaviour by this variable.
bool engine_obeys(std::string_view name);

/// Home, caches and agents' directories; the agents' documented keys that the host has set; terminal, language and
/// time zone, as the image knows them (caller_context.hpp); and what the user asked for, which beats all of these. `time_zone` may be empty.
/// Throws UsageError for a value with a newline under a name that the engine's client obeys.
EnvPlan jail_environment(const core::Settings& settings, const core::Environment& host,
                         std::string_view time_zone);

/// The first of these variables that is in it; a trailing * matches the rest.
std::optional<std::string> find_key(const EnvPlan& plan, const std::vector<std::string_view>& keys);

/// What of it is another thing in the jail than outside, and would be missed: one line each, for a launch to say.
std::vector<std::string> surroundings_notices(const core::Settings& settings, const core::Environment& host);

}  // namespace jailed::plan
