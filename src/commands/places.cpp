#include <fmt/format.h>
#include <unistd.h>

#include <jailed/commands/places.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/plan/project.hpp>

namespace jailed::commands {

using core::Environment;
using core::Settings;

Places look_at_places(const core::Options& options, const Settings& settings,
                      const Environment& environment) {
  auto config = settings.config_dir;
  while (config.size() > 1 && config.ends_with('/')) config.pop_back();
  const auto there = host::lstat_of(config);
  plan::ConfigDirFacts config_facts{.path = config, .exists = there.has_value(), .caller = ::geteuid()};
  if (there) {
    config_facts.is_directory = S_ISDIR(there->st_mode);
    config_facts.is_symlink = S_ISLNK(there->st_mode);
    config_facts.owner = there->st_uid;
    config_facts.mode = there->st_mode;
  }
  plan::check_config_dir(config_facts);

  Places places;
  places.config = host::canonical_as_far_as_it_exists(config);
  plan::ProjectFacts facts;
  facts.given = options.path.value_or(".");
  facts.path = host::canonical(facts.given, facts.problem);
  if (const auto info = host::lstat_of(facts.path)) {
    places.project_info = *info;
    facts.is_directory = S_ISDIR(info->st_mode);
    facts.readable = facts.is_directory && host::can_enter_and_read(facts.path);
  }
  std::string ignored;
  if (const auto home = environment.get("HOME")) facts.home = host::canonical(*home, ignored);
  facts.config_dir = places.config;
  plan::check_project(facts);
  places.project = facts.path;
  return places;
}

plan::Identity identity_for(const Places& places, const Environment& environment) {
  return plan::jail_identity({.uid = ::geteuid(),
                              .gid = ::getegid(),
                              .project_uid = places.project_info.st_uid,
                              .project_gid = places.project_info.st_gid,
                              .sudo_uid = environment.get("SUDO_UID").value_or(""),
                              .sudo_gid = environment.get("SUDO_GID").value_or("")});
}

std::string cache_directory(const core::Environment& environment) {
  if (const auto cache = environment.get("XDG_CACHE_HOME"); cache && cache->starts_with('/'))
    return *cache + "/jailed";
  if (const auto home = environment.get("HOME")) return *home + "/.cache/jailed";
  throw core::Error("HOME is not set, so there is no place for jailed's files.",
                    "set HOME or XDG_CACHE_HOME");
}

void make_config_tree(const std::string& config) {
  host::make_private_directories(config + "/sessions");
  host::make_private_directories(config + "/cache");
  for (const auto& agent : core::agents()) {
    for (const auto& state : agent.state)
      host::make_private_directories(fmt::format("{}/agents/{}", config, state.name));
  }
}

}  // namespace jailed::commands
