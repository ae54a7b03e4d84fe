#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/project/known.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/work/guard/scan.hpp>
#include <jailed/work/launch/project_talk.hpp>

namespace jailed::work {
namespace {

constexpr const char* kKnown = "known-projects.json";
constexpr std::size_t kLongestKnown = 8U << 20;
constexpr std::size_t kMostLooked = 1000;  // entries at the top of a project

plan::KnownProject known_as(const std::string& path, const struct stat& info) {
  return {path, static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), host::birth_of(path)};
}

// Best effort: without the list nothing is said, and nothing else is lost.
void write_known(const std::string& config, const std::vector<plan::KnownProject>& known) {
  try {
    host::replace_file(config + "/" + kKnown, plan::format_known_projects(known), 0600);
  } catch (const core::Error& error) {
    spdlog::debug("{}", error.what());
  }
}

std::vector<std::string_view> agents_with_state(const std::string& agents) {
  std::vector<std::string_view> names;
  for (const auto& agent : core::agents()) {
    const auto used = [&](const auto& state) { return !host::list_directory(fmt::format("{}/{}", agents, state.name)).empty(); };
    if (std::any_of(agent.state.begin(), agent.state.end(), used)) names.push_back(agent.name);
  }
  return names;
}

void say_moved(const std::string& former, const std::string& now, const std::string& agents) {
  const auto names = agents_with_state(agents);
  if (names.empty()) return;
  spdlog::info("This project was {} before: what {} said and learned there is filed under that path in {}. To go on with it: mv {} {}",
               core::printable(former), fmt::join(names, ", "), core::printable(agents), core::shell_quote(now), core::shell_quote(former));
}

std::vector<plan::ProjectLink> links_of(const std::string& project) {
  std::vector<plan::ProjectLink> links;
  const auto directory = host::open_directory_below(project, "");
  auto names = host::names_below(project, "", kMostLooked);
  if (!directory) return links;
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (read_link(directory.get(), name.c_str()).empty()) continue;
    std::string reason;
    auto target = host::canonical(project + "/" + name, reason);
    const auto info = host::lstat_of(target);
    if (info) links.push_back({name, std::move(target), S_ISDIR(info->st_mode)});
  }
  return links;
}

}  // namespace

void tell_of_moved_projects(const LaunchFacts& facts) {
  const auto& places = facts.places;
  auto known = plan::parse_known_projects(host::read_below(places.config, kKnown, kLongestKnown).value_or(""));
  const auto agents = plan::state_paths(places.config, facts.settings, places.project).agents;
  bool changed = false;
  const auto note = [&](const std::string& path, const struct stat& info) {
    auto noted = plan::note_project(std::move(known), known_as(path, info));
    changed = changed || noted.changed;
    known = std::move(noted.known);
    for (const auto& former : noted.former) {
      if (host::lstat_of(former)) continue;  // the same directory on two ways
      say_moved(former, path, agents);
      std::erase_if(known, [&](const auto& one) { return one.path == former; });
    }
  };
  note(places.project, places.project_info);
  for (const auto& project : places.further) note(project.path, project.info);
  if (changed) write_known(places.config, known);
}

void tell_of_links_out(const LaunchFacts& facts) {
  const auto& places = facts.places;
  plan::LinkView view{.projects = {places.project}, .home = {}, .options = facts.mutagen ? " --sync bind" : "", .helps = facts.engine.reach.mounts};
  for (const auto& project : places.further) view.projects.push_back(project.path);
  std::string reason;
  if (const auto home = facts.environment.get("HOME")) view.home = host::canonical(*home, reason);
  for (const auto& project : view.projects)
    view.helps = view.helps && plan::place_for(project, facts.settings.user, "").workspace == project;
  std::vector<plan::ProjectLink> links;
  for (const auto& project : view.projects) {
    for (auto& link : links_of(project)) links.push_back(std::move(link));
  }
  if (const auto line = plan::links_out_line(links, view); !line.empty()) spdlog::info("{}", line);
}

}  // namespace jailed::work
