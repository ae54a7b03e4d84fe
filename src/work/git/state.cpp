#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/git/shapes.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/git/worktrees.hpp>
#include <jailed/work/session/parts.hpp>

namespace jailed::work {
namespace {

using plan::GitRefs;

constexpr std::size_t kPackedRefs = 256U << 20;
constexpr std::size_t kMostRefs = 500000;
constexpr std::size_t kLongestRef = 4096 + 64;  // a file of one ref: a name that is a path
constexpr std::size_t kAllRefs = 256U << 20;   // names and values

// False when they are more than any repository has: a file of a megabyte costs a jail no room to link a hundred thousand times.
bool read_loose_refs(const std::string& git_dir, GitRefs& refs) {
  std::size_t left = kAllRefs;
  const bool all = host::walk_entries(host::open_directory_below(git_dir, "refs"), kMostRefs, [&](const host::WalkedEntry& entry) {
    if (S_ISREG(entry.info.st_mode)) {
      const auto content = host::read_entry(entry, kLongestRef);
      auto value = content ? plan::parse_loose_ref(*content) : std::nullopt;
      left -= std::min(left, entry.path.size() + (value ? value->size() : 0));
      if (value && left > 0) refs.emplace("refs/" + entry.path, std::move(*value));
    }
    // Git opens refs by their paths.
    return left > 0 && entry.path.size() < PATH_MAX;
  });
  return all && left > 0;
}

}  // namespace

std::optional<GitRefs> read_refs(const std::string& git_dir, const std::string& common_dir) {
  if (host::lstat_of(common_dir + "/reftable")) return std::nullopt;
  GitRefs refs;
  const auto head = host::read_below(git_dir, "HEAD", kSmallGitFile);
  auto value = head ? plan::parse_loose_ref(*head) : std::nullopt;
  if (!value) return std::nullopt;
  refs.emplace("HEAD", std::move(*value));
  if (!read_loose_refs(git_dir, refs)) return std::nullopt;
  if (common_dir != git_dir && !read_loose_refs(common_dir, refs)) return std::nullopt;
  if (host::lstat_of(common_dir + "/packed-refs")) {
    const auto packed = host::read_below(common_dir, "packed-refs", kPackedRefs);
    if (!packed) return std::nullopt;
    plan::add_packed_refs(*packed, refs);
  }
  return refs;
}

std::vector<std::string> session_units(const std::string& session) {
  std::vector<std::string> units = {session};
  for (const auto& name : host::list_directory(session + "/modules"))
    units.push_back(session + "/modules/" + name);
  return units;
}

std::vector<std::string> new_modules(const std::string& session) {
  std::vector<std::string> known;
  for (const auto& unit : session_units(session)) {
    const auto text = host::read_below(unit, "repository", kSmallGitFile);
    if (const auto record = text ? plan::parse_record(*text) : std::nullopt) known.push_back(record->shadow);
  }
  std::vector<std::string> found;
  if (!is_real_directory(session + "/git")) return found;
  const bool whole = host::walk_tree(session + "/git/modules", 20000, [&](const std::string& path, const struct stat& info) {
    if (!S_ISDIR(info.st_mode)) return false;
    const auto shadow = "git/modules/" + path;
    if (!is_git_shape(session + "/" + shadow)) return true;
    if (std::find(known.begin(), known.end(), shadow) == known.end()) found.push_back(path);
    return false;
  });
  if (!whole) found.emplace_back("that cannot be read");
  return found;
}

bool session_has_work(const std::string& session) {
  for (const auto& unit : session_units(session)) {
    if (read_shadow_state(session, unit).has_work) return true;
  }
  return !new_modules(session).empty() || worktrees_differ(session);
}

std::string session_project(const std::string& session) {
  const auto text = host::read_below(session, "repository", kSmallGitFile);
  const auto record = text ? plan::parse_record(*text) : std::nullopt;
  return record ? record->project : std::string{};
}

ShadowState read_shadow_state(const std::string& session, const std::string& unit) {
  ShadowState state;
  const auto record = host::read_below(unit, "repository", kSmallGitFile);
  state.record = record ? plan::parse_record(*record) : std::nullopt;
  if (!state.record || state.record->read_only) return state;
  state.known = plan::parse_refs(host::read_below(unit, "known-refs", kPackedRefs).value_or(""));
  const auto shadow = session + "/" + state.record->shadow;
  const bool was_empty = state.record->git_dir.empty();
  if (was_empty && !is_git_shape(shadow)) return state;
  // A submodule's directory has parents that the jail can change.
  std::optional<GitRefs> now;
  if (is_real_below(session, state.record->shadow)) now = read_refs(shadow, shadow);
  if (!now) {
    state.has_work = true;
    return state;
  }
  state.changed = plan::changed_work(state.known, *now);
  const auto head = now->find("HEAD");
  const auto former = state.known.find("HEAD");
  state.changed_head = former != state.known.end() && head->second != former->second;
  state.has_work = !state.changed.empty() || state.changed_head;
  return state;
}

std::vector<std::string> parts_with_work(const std::string& session) {
  auto parts = session_parts(session);
  std::erase_if(parts, [](const auto& part) { return !session_has_work(part); });
  return parts;
}

void forget_shadow(const std::string& part) {
  // First: without it the rest says nothing.
  ::unlink((part + "/repository").c_str());
  for (const auto* name : {"git", "gitfile", "known", "known-refs", "modules", "worktrees", "empty", "empty-file"})
    host::remove_tree(part + "/" + name);
}

}  // namespace jailed::work
