#include <fmt/format.h>
#include <unistd.h>

#include <jailed/core/agent.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/work/launch/logins.hpp>
#include <jailed/work/launch/places.hpp>
#include <tuple>

namespace jailed::work {

using core::Environment;
using core::Settings;

namespace {

plan::ConfigDirFacts facts_of_directory(const std::string& path) {
  const auto there = host::lstat_of(path);
  plan::ConfigDirFacts facts{.path = path, .exists = there.has_value(), .caller = ::geteuid()};
  if (there) {
    facts.is_directory = S_ISDIR(there->st_mode);
    facts.is_symlink = S_ISLNK(there->st_mode);
    facts.owner = there->st_uid;
    facts.mode = there->st_mode;
  }
  return facts;
}

// Looked at after it was made, too: a file system without modes shows itself then.
void make_checked_directory(const std::string& path, bool secret) {
  plan::check_config_entry(facts_of_directory(path), secret);
  host::make_private_directories(path);
  plan::check_config_entry(facts_of_directory(path), secret);
}

// A project that passed every check; with what lstat says of it.
std::pair<std::string, struct stat> checked_project(const std::string& given, bool further, const std::string& config,
                                                    const Settings& settings, const Environment& environment) {
  struct stat found {};
  plan::ProjectFacts facts;
  facts.given = given;
  facts.further = further;
  facts.path = host::canonical(facts.given, facts.problem);
  if (const auto info = host::lstat_of(facts.path)) {
    found = *info;
    facts.is_directory = S_ISDIR(info->st_mode);
    facts.readable = facts.is_directory && host::can_enter_and_read(facts.path);
  }
  std::string ignored;
  if (const auto home = environment.get("HOME")) facts.home = host::canonical(*home, ignored);
  facts.config_dir = config;
  facts.owner = found.st_uid;
  facts.caller = ::geteuid();
  facts.foreign_symlink = host::foreign_symlink(facts.given, facts.caller);
  plan::check_project(facts, settings.allow);
  return {facts.path, found};
}

void add_further(Places& places, const std::vector<std::string>& given, const Settings& settings,
                 const Environment& environment) {
  const auto shared = [](const std::string& path, const struct stat& info) {
    return plan::SharedProject{path, info.st_uid, info.st_dev, info.st_ino};
  };
  std::vector<plan::SharedProject> projects = {shared(places.project, places.project_info)};
  std::vector<std::string> paths;
  for (const auto& project : given) {
    const auto [path, info] = checked_project(project, true, places.config, settings, environment);
    places.further.push_back({path, {}, info});
    projects.push_back(shared(path, info));
    paths.push_back(path);
  }
  plan::check_several(projects, identity_here(places, environment), ::geteuid() == 0, settings.allow);
  const auto named = plan::name_projects(paths);
  for (std::size_t i = 0; i < named.size(); ++i) places.further[i].name = named[i].name;
}

}  // namespace

Places look_at_places(const std::vector<std::string>& projects, const Settings& settings,
                      const Environment& environment) {
  auto config = settings.config_dir;
  while (config.size() > 1 && config.ends_with('/')) config.pop_back();
  auto config_facts = facts_of_directory(config);
  config_facts.foreign_symlink = host::foreign_symlink(config, ::geteuid());
  plan::check_config_dir(config_facts);

  Places places;
  places.config = host::canonical_as_far_as_it_exists(config);
  std::tie(places.project, places.project_info) =
      checked_project(projects.empty() ? "." : projects.front(), false, places.config, settings, environment);
  if (projects.size() > 1) add_further(places, {projects.begin() + 1, projects.end()}, settings, environment);
  return places;
}

std::vector<std::string> mounted_from(const Places& places) {
  std::vector<std::string> paths = {places.project, places.config};
  for (const auto& project : places.further) paths.push_back(project.path);
  return paths;
}

plan::Identity identity_here(const Places& places, const Environment& environment) {
  return plan::jail_identity({.uid = ::geteuid(),
                              .gid = ::getegid(),
                              .project_uid = places.project_info.st_uid,
                              .project_gid = places.project_info.st_gid,
                              .sudo_uid = environment.get("SUDO_UID").value_or(""),
                              .sudo_gid = environment.get("SUDO_GID").value_or("")});
}

void make_config_tree(const std::string& config, const Settings& settings, const std::string& project) {
  const auto state_of = plan::state_paths(config, settings, project);
  make_checked_directory(config + "/sessions", true);
  if (settings.cache == core::Cache::project) make_checked_directory(config + "/caches", true);
  if (!state_of.cache.empty()) make_checked_directory(state_of.cache, false);
  if (!settings.profile.empty()) {
    make_checked_directory(config + "/profiles", true);
    make_checked_directory(config + "/profiles/" + settings.profile, true);
  }
  make_checked_directory(state_of.agents, true);
  for (const auto& agent : core::agents()) {
    for (const auto& state : agent.state)
      make_checked_directory(fmt::format("{}/{}", state_of.agents, state.name), true);
  }
  if (settings.copy_logins) copy_logins(config + "/agents", state_of.agents);
}

}  // namespace jailed::work
