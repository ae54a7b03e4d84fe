#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/plan/git/borrowed.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {
namespace {

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

bool is_of_objects(const std::string& name, bool is_directory) {
  if (is_directory) {
    return (name.size() == 2 && is_hex_digit(name[0]) && is_hex_digit(name[1])) || name == "pack" || name == "info" ||
           name.starts_with("tmp_objdir-") || name.starts_with("incoming-");
  }
  return name.ends_with(".lock") || name.starts_with("tmp_obj_");
}

std::string why_no_store(const StoreFacts& facts) {
  if (!facts.path.ends_with("/objects") || !facts.in_repository) return "that is no repository's directory of objects";
  if (const auto store = secret_store_at(facts.path, facts.home); !store.empty())
    return fmt::format("secrets are kept in {}", core::printable(store));
  if (is_within(facts.path, facts.config_dir)) return "that is jailed's own";
  if (!facts.strange.empty())
    return fmt::format("there is {} in it, which is not git's", core::printable(facts.strange.front()));
  // Of somebody else's repository a project of another owner could make a present to whoever jails it.
  const bool ours = facts.caller != 0 ? facts.owner == facts.caller || facts.owner == 0 : facts.named_by == 0;
  if (!ours && facts.owner != facts.named_by) return fmt::format("that belongs to uid {}", facts.owner);
  return {};
}

bool is_worktree_of(const std::string& git_dir, const std::string& common_dir) {
  const auto place = common_dir + "/worktrees/";
  return git_dir.starts_with(place) && git_dir.size() > place.size() && git_dir.find('/', place.size()) == std::string::npos;
}

bool is_in_repository(const std::string& path) {
  auto lower = "/" + path + "/";
  for (auto& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower.find("/.git/") != std::string::npos;
}

}  // namespace jailed::plan
