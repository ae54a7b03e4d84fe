#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/siphash.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/project/projects.hpp>

namespace jailed::plan {
namespace {

using core::printable;
using core::UsageError;

std::string with_parent(const std::string& path, const std::string& name) {
  const auto parent = project_name(path.substr(0, path.rfind('/')));
  return parent.empty() ? name : parent + "-" + name;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
         c == '_' || c == '-';
}

// Whether a jail has something else at or below `path`, or nothing of the project's may be there. What else an image
// may have is covered, as any mount does.
bool is_the_jails(const std::string& path, const std::string& user) {
  for (const auto& own :
       {"/home/" + user, std::string("/bin"), std::string("/boot"), std::string("/dev"), std::string("/etc"),
        std::string("/jail"), std::string("/lib"), std::string("/lib32"), std::string("/lib64"), std::string("/libx32"),
        std::string("/opt"), std::string("/proc"), std::string("/projects"), std::string("/run"), std::string("/sbin"),
        std::string("/sys"), std::string("/usr"), std::string("/var"), std::string("/workspace")}) {
    if (is_within(own, path)) return true;
    if (is_within(path, own) && !is_within(path, "/var/tmp") && !is_within(path, "/var/home") && !is_within(path, "/var/www"))
      return true;
  }
  // Memory is mounted there; below it there is room.
  return path == "/tmp" || path == "/var/tmp" || path == "/root";
}

void refuse_overlap(const SharedProject& one, const SharedProject& other) {
  if (one.path == other.path || (one.device == other.device && one.inode == other.inode && one.inode != 0))
    throw UsageError(fmt::format("'{}' is named twice.", printable(other.path)), "name each project once");
  const bool inside = is_within(other.path, one.path);
  if (!inside && !is_within(one.path, other.path)) return;
  const auto& inner = inside ? other : one;
  const auto& outer = inside ? one : other;
  throw UsageError(fmt::format("'{}' is inside '{}'.", printable(inner.path), printable(outer.path)),
                   "name only the outer one, or projects that are apart");
}

}  // namespace

std::vector<NamedProject> name_projects(const std::vector<std::string>& paths,
                                        const std::vector<std::string>& taken) {
  std::vector<std::string> all = taken;
  for (const auto& path : paths) all.push_back(project_name(path));
  std::vector<std::string> used = taken;
  std::vector<NamedProject> projects;
  for (const auto& path : paths) {
    auto name = project_name(path);
    if (std::count(all.begin(), all.end(), name) > 1) name = with_parent(path, name);
    auto unique = name;
    for (int number = 2; contains(used, unique); ++number) unique = fmt::format("{}-{}", name, number);
    used.push_back(unique);
    projects.push_back({std::move(unique), path});
  }
  return projects;
}

JailPlace place_of(const std::string& name) { return {"/projects/" + name, "/jail/projects/" + name}; }

JailPlace place_for(const std::string& project, const std::string& user, const std::string& name) {
  auto place = name.empty() ? JailPlace{} : place_of(name);
  place.alias = std::move(place.workspace);
  place.workspace = is_the_jails(project, user)
                        ? fmt::format("/workspaces/{}-{:016x}", project_name(project), core::siphash({}, project))
                        : project;
  return place;
}

std::vector<BindMount> at_all_places(std::vector<BindMount> binds, const std::vector<JailPlace>& places) {
  const auto all = binds.size();
  for (const auto& place : places) {
    if (place.alias.empty()) continue;
    for (std::size_t i = 0; i < all; ++i) {
      if (!is_within(binds[i].target, place.workspace)) continue;
      auto twin = binds[i];
      twin.target = place.alias + twin.target.substr(place.workspace.size());
      binds.push_back(std::move(twin));
    }
  }
  return binds;
}

std::string workspace_of(const std::string& name) {
  if (name.empty()) return JailPlace{}.workspace;
  return name.starts_with('/') ? name : place_of(name).workspace;
}

void check_several(const std::vector<SharedProject>& projects, Identity identity, bool caller_is_root,
                   const std::set<core::Waiver>& allow) {
  for (std::size_t i = 1; i < projects.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) refuse_overlap(projects[j], projects[i]);
    const auto& project = projects[i];
    if (!caller_is_root || project.owner == 0 || project.owner == identity.uid ||
        allow.contains(core::Waiver::foreign_project))
      continue;
    throw UsageError(
        fmt::format("'{}' belongs to uid {}, but in this jail everything is done as uid {}, for '{}'.",
                    printable(project.path), project.owner, identity.uid, printable(projects.front().path)),
        fmt::format("give it a jail of its own: jailed {}\nor, if you mean it: --allow foreign-project",
                    core::shell_quote(project.path)));
  }
}

std::string projects_label(const std::vector<NamedProject>& projects) {
  std::string label;
  for (const auto& project : projects) {
    if (!label.empty()) label += ' ';
    label += project.name + ':' + encode_bytes(project.path);
  }
  return label;
}

std::string encode_bytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (is_plain(c)) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

std::string decode_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    unsigned byte = 0;
    const bool coded = text.front() == '%' && text.size() >= 3 &&
                       std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3;
    bytes += coded ? static_cast<char>(byte) : text.front();
    text.remove_prefix(coded ? 3 : 1);
  }
  return bytes;
}

std::vector<NamedProject> parse_projects(std::string_view label) {
  std::vector<NamedProject> projects;
  for (const auto word : core::parts(label, ' ')) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    projects.push_back({std::string(word.substr(0, colon)), decode_bytes(word.substr(colon + 1))});
  }
  return projects;
}

}  // namespace jailed::plan
