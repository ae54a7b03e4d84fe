#pragma once
#include <jailed/core/command.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/git/config.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <string>
#include <vector>

namespace jailed::plan {

/// A directory of objects that the repository reads. `chained`: it names others in info/alternates.
struct ObjectStore {
  std::string path;
  bool chained = false;
  bool operator==(const ObjectStore&) const = default;
};

/// A submodule that is checked out: its repository in the superproject's modules/, its work tree below the
/// project.
struct GitModule {
  std::string name;  // below modules/
  std::string git_dir;
  std::string path;  // of the work tree, relative to the project
  std::vector<ObjectStore> objects;
  bool operator==(const GitModule&) const = default;
};

/// A linked worktree of the repository that lies in the project.
struct GitWorktree {
  std::string name;  // below worktrees/ of the repository
  std::string path;  // relative to the project
  bool operator==(const GitWorktree&) const = default;
};

/// What stands at <project>/.git. Paths are absolute and free of symlinks.
struct GitFacts {
  enum class Entry { none, directory, file, symlink, other } entry = Entry::none;
  std::string project;
  std::string git_dir;     // HEAD and index are here; empty: no repository
  std::string common_dir;  // config, refs and objects are here; git_dir itself but for a linked worktree
  std::string problem;     // not empty: why the repository must not be used
  bool bare_at_root = false;
  bool may_make_entry = true;        // jailed can make <project>/.git
  std::string above;                 // the repository that the project is a part of, if there is no own one
  std::vector<ObjectStore> objects;  // the repository's own first
  std::string lfs_objects;           // empty: none
  std::vector<GitModule> modules;
  std::vector<GitWorktree> worktrees;
  std::vector<std::string> borrowed;  // of the directories of objects those of other repositories
};

/// Whether anything in the project but its .git is mounted by a path of its own, which whatever works in the project could replace: submodules,
/// objects that lie elsewhere in it.
bool mounts_parts(const GitFacts& facts);

/// Directories of objects, and of files of LFS, that are mounted by their path and lie outside of the project.
std::vector<std::string> mounted_elsewhere(const GitFacts& facts);

/// Directories of one launch. What the jail sees of the session goes by `view`; for root the objects go by
/// mounts of their own, in the order of GitFacts::objects, then the one for LFS.
struct GitSources {
  std::string view;
  std::string workspace;
  std::vector<std::string> objects;
  std::string lfs_objects;
  std::vector<std::vector<std::string>> module_objects;
  JailPlace place;
  /// Nothing can be mounted in the work tree: the shadow is beside it, and its .git is a file, written later.
  bool beside = false;
  bool synced = false;  // Mutagen brings the work tree
  /// The shadow is elsewhere, and a link at .git leads there: ".." of it is not the work tree.
  bool linked = false;
};

/// The shadow of a submodule, at modules/<name> of the superproject's.
struct ModulePlan {
  std::string gitfile;     // the text of <path>/.git in the jail
  std::string alternates;  // of the shadow
  std::string work_tree;   // in the jail
  std::string worktree_setting = {};  // core.worktree, relative where the repository is in its place: a project has several
  bool operator==(const ModulePlan&) const = default;
};

/// The user's linked worktree in the jail.
struct WorktreePlan {
  std::string gitfile;    // the text of its .git
  std::string back_link;  // the text of gitdir in the shadow's worktrees/<name>
  bool operator==(const WorktreePlan&) const = default;
};

/// What is done about the repository of a project.
struct GitPlan {
  enum class Kind { plain, masked, shadow } kind = Kind::plain;
  bool read_only = false;       // history may be read, nothing comes home
  bool make_entry = false;      // an empty directory <project>/.git holds the mount for the time of the jail
  std::string gitfile;          // the text of the jail's .git file; empty: .git is a directory
  std::string alternates;       // objects/info/alternates of the shadow
  std::string warning, notice;  // one line each, may be empty
  std::vector<BindMount> binds;
  std::vector<ModulePlan> modules;        // as in the facts
  std::vector<WorktreePlan> worktrees;    // as in the facts, or none
  std::vector<std::string> hidden;        // directories of the project, relative to it
  std::vector<core::EnvVar> environment;  // for tools that misread an empty .git
  std::string place = "/jail";            // where the jail has its objects
  std::string workspace = "/workspace";   // and the project
  bool operator==(const GitPlan&) const = default;
};

/// Throws core::Error, with the way out, for a repository that cannot be handed over safely.
GitPlan plan_git(core::GitMode mode, const GitFacts& facts, const GitSources& sources);

/// Object directories in the jail, below `place` ("/jail", "/jail/modules/0"), read-only.
std::vector<BindMount> object_binds(const std::string& place, const std::vector<ObjectStore>& stores,
                                    const std::vector<std::string>& sources, const std::string& view);

/// The shadow's config: the inert settings, and what makes it an ordinary repository with a work tree.
/// `other_owner`: in the jail files appear as another user's (idmapped), which must not make git read all.
std::string shadow_config(const std::vector<GitSetting>& settings, bool other_owner);

/// Whether git copies this to a shadow: a name at the top of a git directory, a file or a whole directory.
/// Refs, index, config and objects are not among them: they have ways of their own.
bool belongs_in_shadow(std::string_view name);

/// The path that a .git file names; empty when it is none. Relative ones are relative to its directory.
std::string parse_gitfile(std::string_view content);

/// Whether the private git directory `git_dir`, whose file "gitdir" reads `back_link` (worktrees) or whose
/// core.worktree is `work_tree` (submodules), belongs to `project`: a .git file alone is no proof, for an
/// agent may have written it.
bool points_back(const std::string& project, const std::string& git_dir, std::string_view back_link,
                 std::string_view work_tree);

/// `path` seen from `base`, without "." and ".."; textual.
std::string resolve_path(const std::string& base, std::string_view path);

}  // namespace jailed::plan
