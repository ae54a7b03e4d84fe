#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/plan/project/known.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/project/projects.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr std::size_t kMostKnown = 500;
constexpr std::size_t kMostNamed = 3;

bool leads_out_of_view(const ProjectLink& link, const LinkView& view) {
  const auto holds = [&](const auto& project) { return is_within(link.target, project); };
  return std::none_of(view.projects.begin(), view.projects.end(), holds) && !is_system_directory(link.target) &&
         (view.home.empty() || !is_within(view.home, link.target)) && secret_store_at(link.target, view.home).empty();
}

}  // namespace

bool is_same_directory(const KnownProject& one, const KnownProject& other) {
  if (one.inode != other.inode) return false;
  return one.born != 0 && other.born != 0 ? one.born == other.born : one.device == other.device;
}

NotedProject note_project(std::vector<KnownProject> known, const KnownProject& now) {
  NotedProject noted;
  const auto there = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.path == now.path; });
  if (there != known.end() && is_same_directory(*there, now)) return {std::move(known), false, {}};
  for (const auto& one : known) {
    if (one.path != now.path && is_same_directory(one, now)) noted.former.push_back(one.path);
  }
  if (there != known.end()) known.erase(there);
  known.insert(known.begin(), now);
  if (known.size() > kMostKnown) known.resize(kMostKnown);
  noted.known = std::move(known);
  noted.changed = true;
  return noted;
}

std::string format_known_projects(const std::vector<KnownProject>& known) {
  auto list = json::array();
  for (const auto& one : known) list.push_back({encode_bytes(one.path), one.device, one.inode, one.born});
  return list.dump(0) + "\n";
}

std::vector<KnownProject> parse_known_projects(std::string_view text) {
  std::vector<KnownProject> known;
  const auto list = json::parse(text, nullptr, false);
  if (!list.is_array()) return known;
  for (const auto& one : list) {
    if (!one.is_array() || one.size() != 4 || !one[0].is_string() || !one[1].is_number_unsigned() ||
        !one[2].is_number_unsigned() || !one[3].is_number_integer() || known.size() == kMostKnown)
      continue;
    auto path = decode_bytes(one[0].get<std::string>());
    if (path.starts_with('/')) known.push_back({std::move(path), one[1], one[2], one[3]});
  }
  return known;
}

std::string links_out_line(const std::vector<ProjectLink>& links, const LinkView& view) {
  std::vector<ProjectLink> out;
  std::copy_if(links.begin(), links.end(), std::back_inserter(out), [&](const auto& link) { return leads_out_of_view(link, view); });
  if (out.empty()) return {};
  std::string line;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < out.size() && i < kMostNamed; ++i) {
    line += fmt::format("{}{} -> {}", i == 0 ? "" : ", ", core::printable(out[i].name), core::printable(out[i].target));
    const auto has = [&](const auto& path) { return is_within(out[i].target, path) || is_within(path, out[i].target); };
    if (out[i].directory && std::none_of(wanted.begin(), wanted.end(), has) && std::none_of(view.projects.begin(), view.projects.end(), has))
      wanted.push_back(out[i].target);
  }
  if (out.size() > kMostNamed) line += fmt::format(" and {} more", out.size() - kMostNamed);
  line = fmt::format("Outside of the project, so not in the jail: {}.", line);
  if (wanted.empty() || !view.helps) return line;
  line += fmt::format(" To have it there: jailed{}", view.options);
  for (const auto& path : view.projects) line += fmt::format(" {}", core::shell_quote(path));
  for (const auto& path : wanted) line += fmt::format(" {}", core::shell_quote(path));
  return line;
}

}  // namespace jailed::plan
