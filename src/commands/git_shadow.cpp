#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/commands/git_shadow.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/tree.hpp>
#include <jailed/plan/project.hpp>

namespace jailed::commands {
namespace {

using plan::GitFacts;
using plan::GitPlan;
using plan::GitRefs;

constexpr std::size_t kSmall = 1 << 20;
constexpr std::size_t kPackedRefs = 256U << 20;
constexpr std::size_t kMostRefs = 500000;

bool is_real_directory(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISDIR(info->st_mode);
}

bool is_real_file(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISREG(info->st_mode);
}

// What git itself looks for (is_git_directory in its setup.c).
bool is_git_shape(const std::string& directory) {
  return host::lstat_of(directory + "/HEAD") && host::lstat_of(directory + "/objects") &&
         host::lstat_of(directory + "/refs");
}

std::string work_tree_of(const std::string& git_dir) {
  const auto config = host::read_below(git_dir, "config", kSmall);
  std::string work_tree;
  for (const auto& setting : plan::parse_git_config(config.value_or(""))) {
    if (setting.section == "core" && setting.key == "worktree") work_tree = setting.value;
  }
  return work_tree;
}

void follow_gitfile(GitFacts& facts) {
  const auto content = host::read_below(facts.project, ".git", kSmall);
  const auto named = plan::parse_gitfile(content.value_or(""));
  std::string reason;
  if (!named.empty()) facts.git_dir = host::canonical(plan::resolve_path(facts.project, named), reason);
  if (facts.git_dir.empty()) {
    facts.problem = "its .git file leads nowhere";
    return;
  }
  const auto common = host::read_below(facts.git_dir, "commondir", kSmall);
  const auto back_link = host::read_below(facts.git_dir, "gitdir", kSmall).value_or("");
  facts.common_dir = facts.git_dir;
  if (common) {
    facts.common_dir = host::canonical(
        plan::resolve_path(facts.git_dir, std::string_view(*common).substr(0, common->find('\n'))), reason);
  }
  const bool inside = plan::is_within(facts.git_dir, facts.project);
  if (!inside && !plan::points_back(facts.project, facts.git_dir, back_link, work_tree_of(facts.git_dir)))
    facts.problem = fmt::format("its .git file names {}, which does not name this directory back",
                                core::printable(facts.git_dir));
}

void check_shape(GitFacts& facts) {
  if (!facts.problem.empty()) return;
  for (const auto* name : {"objects", "refs"}) {
    if (!is_real_directory(facts.common_dir + "/" + name))
      facts.problem = fmt::format("{}/{} is no directory", core::printable(facts.common_dir), name);
  }
  if (!is_real_file(facts.git_dir + "/HEAD"))
    facts.problem = fmt::format("{}/HEAD is no file", core::printable(facts.git_dir));
  if (const auto reason = plan::unmountable(facts.common_dir); !reason.empty())
    facts.problem = fmt::format("its path has {}", reason);
}

void find_objects(GitFacts& facts) {
  constexpr std::size_t most = 32;
  std::vector<std::string> waiting = {facts.common_dir + "/objects"};
  for (std::size_t i = 0; i < waiting.size() && i < most; ++i) {
    plan::ObjectStore store{waiting[i], false};
    if (const auto chain = host::read_below(store.path, "info/alternates", kSmall)) {
      store.chained = true;
      std::string_view rest = *chain;
      while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.empty() || line.starts_with('#')) continue;
        std::string reason;
        const auto next = host::canonical(plan::resolve_path(store.path, line), reason);
        if (is_real_directory(next) && std::find(waiting.begin(), waiting.end(), next) == waiting.end())
          waiting.push_back(next);
      }
    }
    facts.objects.push_back(std::move(store));
  }
  if (is_real_directory(facts.common_dir + "/lfs") && is_real_directory(facts.common_dir + "/lfs/objects"))
    facts.lfs_objects = facts.common_dir + "/lfs/objects";
}

std::string repository_above(const std::string& project) {
  auto directory = project;
  while (directory.size() > 1) {
    const auto slash = directory.rfind('/');
    directory.resize(slash == 0 ? 1 : slash);
    const auto entry = directory + (directory == "/" ? ".git" : "/.git");
    if (is_git_shape(entry) || is_real_file(entry)) return directory;
  }
  return {};
}

void read_loose_refs(const std::string& git_dir, GitRefs& refs) {
  host::walk_tree(git_dir + "/refs", kMostRefs, [&](const std::string& path, const struct stat& info) {
    if (S_ISREG(info.st_mode)) {
      const auto content = host::read_below(git_dir + "/refs", path, kSmall);
      if (auto value = content ? plan::parse_loose_ref(*content) : std::nullopt)
        refs.emplace("refs/" + path, std::move(*value));
    }
    return true;
  });
}

void write_file(const std::string& path, std::string_view content, mode_t mode = 0644) {
  host::write_new_file(path, content, mode);
}

void make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    throw core::Error(fmt::format("Cannot make {}: {}.", core::printable(path), std::strerror(errno)));
}

// Packed refs cost one file however many there are; only symbolic refs have to be files of their own.
void write_refs(const GitRefs& refs, const std::string& shadow) {
  make_directory(shadow + "/refs");
  make_directory(shadow + "/refs/heads");
  make_directory(shadow + "/refs/tags");
  write_file(shadow + "/packed-refs", plan::packed_refs_file(refs));
  for (const auto& [name, value] : refs) {
    if (!name.starts_with("refs/") || plan::is_object_id(value)) continue;
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      make_directory(shadow + "/" + name.substr(0, slash));
    write_file(shadow + "/" + name, value + "\n");
  }
}

void copy_logs(const GitFacts& facts, const std::string& shadow) {
  make_directory(shadow + "/logs");
  make_directory(shadow + "/logs/refs");
  host::copy_below(facts.git_dir, "logs/HEAD", shadow + "/logs/HEAD");
  host::copy_below(facts.common_dir, "logs/refs/stash", shadow + "/logs/refs/stash");
  host::copy_tree_below(facts.common_dir, "logs/refs/heads", shadow + "/logs/refs/heads");
}

std::string read_settings(const std::string& directory, const char* name) {
  return host::read_below(directory, name, kSmall).value_or("");
}

void fill_shadow(const GitFacts& facts, const GitPlan& plan, const GitRefs& refs, const std::string& shadow,
                 bool other_owner) {
  for (const auto& name : host::list_directory(facts.common_dir)) {
    if (plan::belongs_in_shadow(name)) host::copy_tree_below(facts.common_dir, name, shadow + "/" + name);
  }
  if (facts.git_dir != facts.common_dir) {
    for (const auto& name : host::list_directory(facts.git_dir)) {
      if (!plan::belongs_in_shadow(name)) continue;
      host::remove_tree(shadow + "/" + name);
      host::copy_tree_below(facts.git_dir, name, shadow + "/" + name);
    }
  }
  host::copy_below(facts.git_dir, "index", shadow + "/index");
  write_refs(refs, shadow);
  copy_logs(facts, shadow);
  make_directory(shadow + "/objects");
  make_directory(shadow + "/objects/info");
  make_directory(shadow + "/objects/pack");
  write_file(shadow + "/objects/info/alternates", plan.alternates);
  auto settings = plan::parse_git_config(read_settings(facts.common_dir, "config"));
  const auto own = plan::parse_git_config(read_settings(facts.git_dir, "config.worktree"));
  const bool per_worktree = std::any_of(settings.begin(), settings.end(), [](const auto& setting) {
    return setting.section == "extensions" && setting.key == "worktreeconfig" && setting.value == "true";
  });
  if (per_worktree) settings.insert(settings.end(), own.begin(), own.end());
  write_file(shadow + "/config", plan::shadow_config(settings, other_owner));
}

// The stash is a list in a log; its entries are known by their ids.
void add_stash(const std::string& common_dir, GitRefs& refs) {
  const auto log = host::read_below(common_dir, "logs/refs/stash", 16U << 20).value_or("");
  std::string_view rest = log;
  for (int number = 0; !rest.empty(); ++number) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto first = line.find(' ');
    if (first == std::string_view::npos) continue;
    const auto id = line.substr(first + 1, line.find(' ', first + 1) - first - 1);
    if (plan::is_object_id(id)) refs.emplace(fmt::format("stash/{}", number), id);
  }
}

void make_entry(const std::string& project) {
  const auto entry = project + "/.git";
  if (::mkdir(entry.c_str(), 0755) != 0 && errno != EEXIST)
    throw core::Error(fmt::format("Cannot make {}, under which a jail's own git would hide: {}.",
                                  core::printable(entry), std::strerror(errno)));
  if (const auto info = host::lstat_of(project); info && ::geteuid() == 0) [[maybe_unused]]
    const int kept = ::lchown(entry.c_str(), info->st_uid, info->st_gid);
}

}  // namespace

plan::GitFacts look_at_git(const std::string& project) {
  GitFacts facts;
  facts.project = project;
  const auto entry = host::lstat_of(project + "/.git");
  if (entry) {
    facts.entry = S_ISDIR(entry->st_mode)   ? GitFacts::Entry::directory
                  : S_ISREG(entry->st_mode) ? GitFacts::Entry::file
                  : S_ISLNK(entry->st_mode) ? GitFacts::Entry::symlink
                                            : GitFacts::Entry::other;
  }
  if (facts.entry == GitFacts::Entry::file) {
    follow_gitfile(facts);
  } else if (facts.entry == GitFacts::Entry::directory && is_git_shape(project + "/.git")) {
    facts.git_dir = facts.common_dir = project + "/.git";
    if (host::lstat_of(facts.git_dir + "/commondir")) facts.problem = "it has a file .git/commondir";
  }
  if (!facts.git_dir.empty()) {
    check_shape(facts);
    if (facts.problem.empty()) find_objects(facts);
  } else {
    facts.bare_at_root = is_git_shape(project);
    facts.may_make_entry = ::access(project.c_str(), W_OK) == 0;
    facts.above = repository_above(project);
  }
  return facts;
}

plan::GitSources git_sources(const std::string& session_id, const std::string& session_view,
                             const std::vector<std::string>& objects, const std::string& lfs_objects,
                             plan::Identity identity, host::IdmappedMounts* idmapped) {
  const auto seen = [&](const std::string& path, const std::string& name) {
    const auto info = host::lstat_of(path);
    if (!info || info->st_uid != 0 || identity.uid == 0 || ::geteuid() != 0) return path;
    return idmapped ? idmapped->add(path, name) : host::IdmappedMounts::place(session_id, name);
  };
  plan::GitSources sources;
  sources.view = session_view;
  for (std::size_t i = 0; i < objects.size(); ++i)
    sources.objects.push_back(seen(objects[i], fmt::format("objects-{}", i)));
  if (!lfs_objects.empty()) sources.lfs_objects = seen(lfs_objects, "lfs");
  return sources;
}

void make_git_shadow(const GitPlan& plan, const GitFacts& facts, const std::string& session,
                     bool other_owner) {
  if (plan.kind == GitPlan::Kind::plain) return;
  plan::GitRecord record{.project = facts.project,
                         .git_dir = {},
                         .common_dir = {},
                         .above = facts.above,
                         .read_only = plan.read_only,
                         .made_entry = plan.make_entry,
                         .objects = {},
                         .lfs_objects = {}};
  GitRefs refs;
  if (plan.kind == GitPlan::Kind::shadow) {
    record.git_dir = facts.git_dir;
    record.common_dir = facts.common_dir;
    record.lfs_objects = facts.lfs_objects;
    for (const auto& store : facts.objects) record.objects.push_back(store.path);
    refs = read_refs(facts.git_dir, facts.common_dir).value_or(GitRefs{});
  } else if (!plan.binds.empty()) {
    record.read_only = plan.binds.front().read_only;
  }
  const auto shadow = session + "/git";
  make_directory(shadow);
  make_directory(session + "/empty");
  write_file(session + "/empty-file", "");
  if (!plan.gitfile.empty()) write_file(session + "/gitfile", plan.gitfile);
  if (plan.kind == GitPlan::Kind::shadow) fill_shadow(facts, plan, refs, shadow, other_owner);
  auto known = refs;
  if (!facts.common_dir.empty()) add_stash(facts.common_dir, known);
  write_file(session + "/known-refs", plan::format_refs(known));
  std::string ids;
  for (const auto& [name, value] : known) {
    if (plan::is_object_id(value)) ids += value + "\n";
  }
  write_file(session + "/known", ids);
  // Last: a session with a record is complete.
  write_file(session + "/repository", plan::format_record(record));
  if (plan.make_entry) make_entry(facts.project);
}

std::optional<GitRefs> read_refs(const std::string& git_dir, const std::string& common_dir) {
  if (host::lstat_of(common_dir + "/reftable")) return std::nullopt;
  GitRefs refs;
  const auto head = host::read_below(git_dir, "HEAD", kSmall);
  auto value = head ? plan::parse_loose_ref(*head) : std::nullopt;
  if (!value) return std::nullopt;
  refs.emplace("HEAD", std::move(*value));
  read_loose_refs(git_dir, refs);
  if (common_dir != git_dir) read_loose_refs(common_dir, refs);
  if (host::lstat_of(common_dir + "/packed-refs")) {
    const auto packed = host::read_below(common_dir, "packed-refs", kPackedRefs);
    if (!packed) return std::nullopt;
    plan::add_packed_refs(*packed, refs);
  }
  return refs;
}

ShadowState read_shadow_state(const std::string& session) {
  ShadowState state;
  const auto record = host::read_below(session, "repository", kSmall);
  state.record = record ? plan::parse_record(*record) : std::nullopt;
  if (!state.record || state.record->read_only) return state;
  state.known = plan::parse_refs(host::read_below(session, "known-refs", kPackedRefs).value_or(""));
  const auto shadow = session + "/git";
  const bool was_empty = state.record->git_dir.empty();
  if (was_empty && !is_git_shape(shadow)) return state;
  const auto now = read_refs(shadow, shadow);
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

void remove_made_entry(const std::string& sessions, const std::string& session_id,
                       const plan::GitRecord& record) {
  if (!record.made_entry) return;
  for (const auto& other : host::list_directory(sessions)) {
    if (other == session_id) continue;
    const auto text = host::read_below(sessions + "/" + other, "repository", kSmall);
    const auto found = text ? plan::parse_record(*text) : std::nullopt;
    // Its jail may still run, and removing a mount's place takes the mount away.
    if (found && found->project == record.project && !host::try_lock_directory(sessions + "/" + other))
      return;
  }
  ::rmdir((record.project + "/.git").c_str());
}

}  // namespace jailed::commands
