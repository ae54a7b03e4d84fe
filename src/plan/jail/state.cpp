#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/state.hpp>

namespace jailed::plan {
namespace {

// FNV-1a: the name only has to be the same every time and another for another path; nobody can choose a path to meet one. All else
// that hashes takes siphash; here it would leave the caches that there are behind, unused and unnamed.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

}  // namespace

StatePaths state_paths(const std::string& config, const core::Settings& settings, const std::string& project) {
  StatePaths paths;
  paths.agents = settings.profile.empty() ? config + "/agents" : fmt::format("{}/profiles/{}/agents", config, settings.profile);
  switch (settings.cache) {
    case core::Cache::shared:
      paths.cache = config + "/cache";
      break;
    case core::Cache::project:
      paths.cache = fmt::format("{}/caches/{}-{:016x}", config, project_name(project), hash_of(project));
      break;
    case core::Cache::none:
      break;
  }
  return paths;
}

bool is_profile_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace jailed::plan
