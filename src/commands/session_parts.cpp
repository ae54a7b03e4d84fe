#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/commands/git_shadow.hpp>
#include <jailed/commands/session_parts.hpp>
#include <jailed/host/files.hpp>

namespace jailed::commands {
namespace {

constexpr const char* kProjects = "/projects";
constexpr const char* kNumber = "/number";

}  // namespace

std::vector<std::string> session_parts(const std::string& session) {
  std::vector<std::string> parts = {session};
  auto names = host::list_directory(session + kProjects);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) parts.push_back(session + kProjects + "/" + name);
  return parts;
}

std::string part_below(const std::string& name) {
  return name.empty() ? std::string{} : std::string(kProjects) + "/" + name;
}

std::vector<std::string> parts_with_work(const std::string& session) {
  auto parts = session_parts(session);
  std::erase_if(parts, [](const auto& part) { return !session_has_work(part); });
  return parts;
}

void number_part(const std::string& part, std::size_t number) {
  host::write_new_file(part + kNumber, std::to_string(number), 0600);
}

std::string refs_of_part(const std::string& part, const std::string& id) {
  const auto number = host::read_file(part + kNumber);
  return number ? fmt::format("{}-{}", id, *number) : id;
}

void forget_shadow(const std::string& part) {
  // First: without it the rest says nothing.
  ::unlink((part + "/repository").c_str());
  for (const auto* name : {"git", "gitfile", "known", "known-refs", "modules", "worktrees", "empty", "empty-file"})
    host::remove_tree(part + "/" + name);
}

}  // namespace jailed::commands
