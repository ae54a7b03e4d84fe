#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <jailed/commands/git_shadow.hpp>
#include <jailed/commands/git_worktrees.hpp>
#include <jailed/commands/object_stores.hpp>
#include <jailed/commands/session_parts.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/scan.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/tree.hpp>
#include <jailed/plan/borrowed.hpp>
#include <jailed/plan/project.hpp>

namespace jailed::commands {
namespace {

using plan::GitFacts;
using plan::GitPlan;
using plan::GitRefs;

constexpr std::size_t kSmall = 1 << 20;
constexpr std::size_t kPackedRefs = 256U << 20;
constexpr std::size_t kMostRefs = 500000;
constexpr std::size_t kLongestRef = 4096 + 64;  // a file of one ref: a name that is a path
constexpr std::size_t kAllRefs = 256U << 20;   // names and values

bool is_real_directory(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISDIR(info->st_mode);
}

bool is_real_file(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISREG(info->st_mode);
}

// Every directory on the way is one.
bool is_real_below(const std::string& root, const std::string& path) {
  for (auto slash = path.find('/');; slash = path.find('/', slash + 1)) {
    if (!is_real_directory(root + "/" + path.substr(0, slash))) return false;
    if (slash == std::string::npos) return true;
  }
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

void follow_gitfile(GitFacts& facts, const Surroundings& around) {
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
  // Nothing in the project leads out of it by a second step.
  if (facts.problem.empty() && facts.common_dir != facts.git_dir &&
      (!plan::is_worktree_of(facts.git_dir, facts.common_dir) ||
       (inside && !plan::is_within(facts.common_dir, facts.project))))
    facts.problem = fmt::format("{} names another repository than its own", core::printable(facts.git_dir + "/commondir"));
  if (facts.problem.empty()) check_common_store(facts, around);
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

// Submodules whose work tree is where their config says, with a .git file that leads back.
void find_modules(GitFacts& facts, const Surroundings& around) {
  constexpr std::size_t most = 64;
  const auto place = facts.git_dir + "/modules";
  std::vector<std::string> names;
  host::walk_tree(place, 20000, [&](const std::string& path, const struct stat& info) {
    if (!S_ISDIR(info.st_mode)) return false;
    const auto outer = names.empty() ? std::string{} : names.back();
    const bool inside = !outer.empty() && plan::is_within("/" + path, "/" + outer);
    if (inside && !plan::is_within("/" + path, "/" + outer + "/modules")) return false;
    if (is_git_shape(place + "/" + path) && names.size() < most) names.push_back(path);
    return true;
  });
  for (const auto& name : names) {
    plan::GitModule module{name, place + "/" + name, {}, {}};
    const auto work_tree = plan::resolve_path(module.git_dir, work_tree_of(module.git_dir));
    if (!plan::is_within(work_tree, facts.project) || work_tree == facts.project) continue;
    module.path = work_tree.substr(facts.project.size() + 1);
    std::string reason;
    const auto gitfile = host::read_below(facts.project, module.path + "/.git", kSmall);
    if (!gitfile || !plan::unmountable(module.path).empty() || !plan::unmountable(name).empty() ||
        plan::is_in_repository(module.path))
      continue;
    if (host::canonical(plan::resolve_path(work_tree, plan::parse_gitfile(*gitfile)), reason) !=
        module.git_dir)
      continue;
    if (!is_real_directory(module.git_dir + "/objects") || !is_real_directory(module.git_dir + "/refs"))
      continue;
    module.objects = object_stores(facts, module.git_dir, module.git_dir, around);
    facts.modules.push_back(std::move(module));
  }
}

void find_lfs(GitFacts& facts) {
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

// The logs of all branches unless they are many: one file each would be most of a launch's time.
void copy_branch_logs(const std::string& common_dir, const GitRefs& refs, const std::string& shadow) {
  constexpr std::ptrdiff_t few = 64;
  const auto is_branch = [](const auto& ref) { return ref.first.starts_with("refs/heads/"); };
  if (std::count_if(refs.begin(), refs.end(), is_branch) <= few) {
    host::copy_tree_below(common_dir, "logs/refs/heads", shadow + "/logs/refs/heads");
    return;
  }
  const auto head = refs.find("HEAD");
  if (head == refs.end() || !head->second.starts_with("ref: refs/heads/")) return;
  if (!plan::is_plain_ref_name(head->second.substr(5))) return;
  const auto log = "logs/" + head->second.substr(5);
  for (auto slash = log.find('/'); slash != std::string::npos; slash = log.find('/', slash + 1))
    make_directory(shadow + "/" + log.substr(0, slash));
  host::copy_below(common_dir, log, shadow + "/" + log);
}

void copy_logs(const std::string& git_dir, const std::string& common_dir, const GitRefs& refs,
               const std::string& shadow) {
  make_directory(shadow + "/logs");
  make_directory(shadow + "/logs/refs");
  host::copy_below(git_dir, "logs/HEAD", shadow + "/logs/HEAD");
  host::copy_below(common_dir, "logs/refs/stash", shadow + "/logs/refs/stash");
  copy_branch_logs(common_dir, refs, shadow);
}

std::string read_settings(const std::string& directory, const char* name) {
  return host::read_below(directory, name, kSmall).value_or("");
}

struct Shadow {
  std::string git_dir, common_dir;  // of the host's repository
  std::string path;                 // of the shadow
  std::string alternates;
  std::string work_tree;  // core.worktree; empty: none
  bool other_owner = false;
};

std::string shadow_settings(const Shadow& shadow) {
  auto settings = plan::parse_git_config(read_settings(shadow.common_dir, "config"));
  const bool per_worktree = std::any_of(settings.begin(), settings.end(), [](const auto& setting) {
    return setting.section == "extensions" && setting.key == "worktreeconfig" && setting.value == "true";
  });
  if (per_worktree) {
    const auto own = plan::parse_git_config(read_settings(shadow.git_dir, "config.worktree"));
    settings.insert(settings.end(), own.begin(), own.end());
  }
  auto text = plan::shadow_config(settings, shadow.other_owner);
  if (!shadow.work_tree.empty())
    text += plan::format_git_config({{"core", "", "worktree", shadow.work_tree}});
  return text;
}

// Mutagen stages files in the work tree for a moment; `git add --all` must not take them.
void exclude_staged_files(const Shadow& shadow) {
  const auto path = shadow.path + "/info/exclude";
  auto patterns = host::read_below(shadow.common_dir, "info/exclude", kSmall).value_or("");
  if (!patterns.empty() && !patterns.ends_with('\n')) patterns += '\n';
  make_directory(shadow.path + "/info");
  ::unlink(path.c_str());
  write_file(path, patterns + ".mutagen-temporary-*\n");
}

void fill_shadow(const Shadow& shadow, const GitRefs& refs) {
  for (const auto& name : host::list_directory(shadow.common_dir)) {
    if (plan::belongs_in_shadow(name))
      host::copy_tree_below(shadow.common_dir, name, shadow.path + "/" + name);
  }
  if (shadow.git_dir != shadow.common_dir) {
    for (const auto& name : host::list_directory(shadow.git_dir)) {
      if (!plan::belongs_in_shadow(name)) continue;
      host::remove_tree(shadow.path + "/" + name);
      host::copy_tree_below(shadow.git_dir, name, shadow.path + "/" + name);
    }
  }
  host::copy_below(shadow.git_dir, "index", shadow.path + "/index");
  exclude_staged_files(shadow);
  write_refs(refs, shadow.path);
  copy_logs(shadow.git_dir, shadow.common_dir, refs, shadow.path);
  make_directory(shadow.path + "/objects");
  make_directory(shadow.path + "/objects/info");
  make_directory(shadow.path + "/objects/pack");
  write_file(shadow.path + "/objects/info/alternates", shadow.alternates);
  write_file(shadow.path + "/config", shadow_settings(shadow));
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

std::vector<std::string> paths_of(const std::vector<plan::ObjectStore>& stores) {
  std::vector<std::string> paths;
  for (const auto& store : stores) paths.push_back(store.path);
  return paths;
}

// What is known of one repository at the launch, for the homecoming.
void write_unit(const std::string& unit, const plan::GitRecord& record, const GitRefs& refs) {
  auto known = refs;
  if (!record.common_dir.empty()) add_stash(record.common_dir, known);
  write_file(unit + "/known-refs", plan::format_refs(known));
  std::string ids;
  for (const auto& [name, value] : known) {
    if (plan::is_object_id(value)) ids += value + "\n";
  }
  write_file(unit + "/known", ids);
  // Last: a unit with a record is complete.
  write_file(unit + "/repository", plan::format_record(record));
}

void make_module_shadows(const GitPlan& plan, const GitFacts& facts, const std::string& session,
                         bool other_owner) {
  if (facts.modules.empty()) return;
  make_directory(session + "/modules");
  for (std::size_t i = 0; i < facts.modules.size(); ++i) {
    const auto& module = facts.modules[i];
    plan::GitRecord record;
    record.project = facts.project + "/" + module.path;
    record.git_dir = record.common_dir = module.git_dir;
    record.read_only = plan.read_only;
    record.objects = paths_of(module.objects);
    record.shadow = "git/modules/" + module.name;
    record.place = fmt::format("{}/modules/{}", plan.place, i);
    const auto unit = fmt::format("{}/modules/{}", session, i);
    make_directory(unit);
    write_file(unit + "/gitfile", plan.modules[i].gitfile);
    for (auto slash = record.shadow.find('/'); slash != std::string::npos;
         slash = record.shadow.find('/', slash + 1))
      make_directory(session + "/" + record.shadow.substr(0, slash));
    const auto path = session + "/" + record.shadow;
    make_directory(path);
    const auto refs = read_refs(module.git_dir, module.git_dir).value_or(GitRefs{});
    fill_shadow({module.git_dir, module.git_dir, path, plan.modules[i].alternates, plan.modules[i].worktree_setting,
                 other_owner},
                refs);
    write_unit(unit, record, refs);
  }
}

void make_entry(const std::string& project) {
  const auto directory = host::open_exactly(project);
  const bool made = directory && ::mkdirat(directory.get(), ".git", 0755) == 0;
  if (!made && errno != EEXIST)
    throw core::Error(fmt::format("Cannot make {}/.git, under which a jail's own git would hide: {}.",
                                  core::printable(project), std::strerror(errno)));
  // What was there before is whose it was.
  struct stat owner {};
  const host::Fd entry(!made || ::geteuid() != 0 ? -1 : ::openat(directory.get(), ".git", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (entry && ::fstat(directory.get(), &owner) == 0) [[maybe_unused]]
    const int kept = ::fchown(entry.get(), owner.st_uid, owner.st_gid);
}

void remove_made_entry(const std::string& sessions, const std::string& session_id,
                       const plan::GitRecord& record) {
  for (const auto& other : host::session_ids(sessions)) {
    if (other == session_id) continue;
    for (const auto& part : session_parts(sessions + "/" + other)) {
      const auto text = host::read_below(part, "repository", kSmall);
      const auto found = text ? plan::parse_record(*text) : std::nullopt;
      // Its jail may still run, and removing a mount's place takes the mount away.
      if (found && found->project == record.project && !host::try_lock_directory(sessions + "/" + other))
        return;
    }
  }
  if (const auto directory = host::open_exactly(record.project)) ::unlinkat(directory.get(), ".git", AT_REMOVEDIR);
}

}  // namespace

plan::GitFacts look_at_git(const std::string& project, const Surroundings& around) {
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
    follow_gitfile(facts, around);
  } else if (facts.entry == GitFacts::Entry::directory && is_git_shape(project + "/.git")) {
    facts.git_dir = facts.common_dir = project + "/.git";
    if (host::lstat_of(facts.git_dir + "/commondir")) facts.problem = "it has a file .git/commondir";
  }
  if (!facts.git_dir.empty()) {
    check_shape(facts);
    if (facts.problem.empty()) {
      facts.objects = object_stores(facts, facts.git_dir, facts.common_dir, around);
      find_lfs(facts);
      find_modules(facts, around);
      find_worktrees(facts);
    }
  } else {
    facts.bare_at_root = is_git_shape(project);
    facts.may_make_entry = ::access(project.c_str(), W_OK) == 0;
    facts.above = repository_above(project);
  }
  return facts;
}

std::string ObjectViews::of(const std::string& directory) {
  const auto info = host::lstat_of(directory);
  if (!info || info->st_uid != 0 || identity_.uid == 0 || ::geteuid() != 0) return directory;
  const auto name = fmt::format("objects-{}", count_++);
  return idmapped_ ? idmapped_->add(directory, name, &*info) : host::IdmappedMounts::place(session_id_, name);
}

std::vector<std::string> ObjectViews::of(const std::vector<std::string>& directories) {
  std::vector<std::string> views;
  for (const auto& directory : directories) views.push_back(of(directory));
  return views;
}

plan::GitSources git_sources(const GitFacts& facts, const std::string& session_view,
                             const std::string& workspace, ObjectViews& views) {
  plan::GitSources sources;
  sources.view = session_view;
  sources.workspace = workspace;
  sources.objects = views.of(paths_of(facts.objects));
  if (!facts.lfs_objects.empty()) sources.lfs_objects = views.of(facts.lfs_objects);
  for (const auto& module : facts.modules)
    sources.module_objects.push_back(views.of(paths_of(module.objects)));
  return sources;
}

void make_git_shadow(const GitPlan& plan, const GitFacts& facts, const std::string& session,
                     bool other_owner) {
  if (plan.kind == GitPlan::Kind::plain) return;
  plan::GitRecord record;
  record.project = facts.project;
  record.above = facts.above;
  record.read_only = plan.read_only;
  record.made_entry = plan.make_entry;
  record.place = plan.place;
  record.workspace = plan.workspace;
  GitRefs refs;
  const auto path = session + "/git";
  make_directory(path);
  make_directory(session + "/empty");
  write_file(session + "/empty-file", "");
  if (!plan.gitfile.empty()) write_file(session + "/gitfile", plan.gitfile);
  if (plan.kind == GitPlan::Kind::shadow) {
    record.git_dir = facts.git_dir;
    record.common_dir = facts.common_dir;
    record.lfs_objects = facts.lfs_objects;
    record.objects = paths_of(facts.objects);
    refs = read_refs(facts.git_dir, facts.common_dir).value_or(GitRefs{});
    fill_shadow({facts.git_dir, facts.common_dir, path, plan.alternates, {}, other_owner}, refs);
    make_module_shadows(plan, facts, session, other_owner);
    make_worktree_shadows(plan, facts, session);
  } else if (!plan.binds.empty()) {
    record.read_only = plan.binds.front().read_only;
  }
  write_unit(session, record, refs);
  if (plan.make_entry) make_entry(facts.project);
}

std::optional<GitRefs> read_refs(const std::string& git_dir, const std::string& common_dir) {
  if (host::lstat_of(common_dir + "/reftable")) return std::nullopt;
  GitRefs refs;
  const auto head = host::read_below(git_dir, "HEAD", kSmall);
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
    const auto text = host::read_below(unit, "repository", kSmall);
    if (const auto record = text ? plan::parse_record(*text) : std::nullopt) known.push_back(record->shadow);
  }
  std::vector<std::string> found;
  if (!is_real_directory(session + "/git")) return found;
  host::walk_tree(session + "/git/modules", 20000, [&](const std::string& path, const struct stat& info) {
    if (!S_ISDIR(info.st_mode)) return false;
    const auto shadow = "git/modules/" + path;
    if (!is_git_shape(session + "/" + shadow)) return true;
    if (std::find(known.begin(), known.end(), shadow) == known.end()) found.push_back(path);
    return false;
  });
  return found;
}

bool session_has_work(const std::string& session) {
  for (const auto& unit : session_units(session)) {
    if (read_shadow_state(session, unit).has_work) return true;
  }
  return !new_modules(session).empty() || worktrees_differ(session);
}

std::string session_project(const std::string& session) {
  const auto text = host::read_below(session, "repository", kSmall);
  const auto record = text ? plan::parse_record(*text) : std::nullopt;
  return record ? record->project : std::string{};
}

ShadowState read_shadow_state(const std::string& session, const std::string& unit) {
  ShadowState state;
  const auto record = host::read_below(unit, "repository", kSmall);
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

void remove_made_entries(const std::string& sessions, const std::string& session_id) {
  for (const auto& part : session_parts(sessions + "/" + session_id)) {
    const auto text = host::read_below(part, "repository", kSmall);
    if (const auto record = text ? plan::parse_record(*text) : std::nullopt; record && record->made_entry)
      remove_made_entry(sessions, session_id, *record);
  }
}

}  // namespace jailed::commands
