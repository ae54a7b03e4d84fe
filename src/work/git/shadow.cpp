#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/git/shapes.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/git/worktrees.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>

namespace jailed::work {
namespace {

using plan::GitFacts;
using plan::GitPlan;
using plan::GitRefs;


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
  return host::read_below(directory, name, kSmallGitFile).value_or("");
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
  auto patterns = host::read_below(shadow.common_dir, "info/exclude", kSmallGitFile).value_or("");
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
    const auto line = core::take_part(rest, '\n');
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

// A repository whose refs are not seen would look like one without any. Those of a reftable come along as they are; a link or a pipe in the
// place of packed-refs is nothing that git wrote.
GitRefs refs_of(const std::string& git_dir, const std::string& common_dir) {
  if (auto refs = read_refs(git_dir, common_dir)) return std::move(*refs);
  const auto packed = common_dir + "/packed-refs";
  if (host::lstat_of(common_dir + "/reftable") || (host::lstat_of(packed) && !is_real_file(packed))) return {};
  throw core::Error(fmt::format("The refs in {} cannot all be read: they are more than any repository has, or closed to you.", core::printable(common_dir)),
                    "see whose they are: ls -lR refs HEAD packed-refs, in there    many in files of their own: git pack-refs --all\n"
                    "or work without the repository: --git none");
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
    const auto refs = refs_of(module.git_dir, module.git_dir);
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

// To a jail that is on it still: the entry goes with the last one.
void hand_over_entry(const std::string& part, plan::GitRecord record) {
  record.made_entry = true;
  host::replace_file(part + "/repository", plan::format_record(record), 0644);
}

void remove_made_entry(const std::string& sessions, const std::string& session_id,
                       const plan::GitRecord& record) {
  for (const auto& other : session_ids(sessions)) {
    if (other == session_id) continue;
    for (const auto& part : session_parts(sessions + "/" + other)) {
      const auto text = host::read_below(part, "repository", kSmallGitFile);
      const auto found = text ? plan::parse_record(*text) : std::nullopt;
      // Its jail may still run, and removing a mount's place takes the mount away: then it could make a repository there for the host.
      if (found && found->project == record.project && jail_may_run(sessions, other)) return hand_over_entry(part, *found);
    }
  }
  if (const auto directory = host::open_exactly(record.project)) ::unlinkat(directory.get(), ".git", AT_REMOVEDIR);
}

}  // namespace

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
    refs = refs_of(facts.git_dir, facts.common_dir);
    fill_shadow({facts.git_dir, facts.common_dir, path, plan.alternates, {}, other_owner}, refs);
    make_module_shadows(plan, facts, session, other_owner);
    make_worktree_shadows(plan, facts, session);
  } else if (!plan.binds.empty()) {
    record.read_only = plan.binds.front().read_only;
  }
  write_unit(session, record, refs);
  if (plan.make_entry) make_entry(facts.project);
}

void remove_made_entries(const std::string& sessions, const std::string& session_id) {
  for (const auto& part : session_parts(sessions + "/" + session_id)) {
    const auto text = host::read_below(part, "repository", kSmallGitFile);
    if (const auto record = text ? plan::parse_record(*text) : std::nullopt; record && record->made_entry)
      remove_made_entry(sessions, session_id, *record);
  }
}

}  // namespace jailed::work
