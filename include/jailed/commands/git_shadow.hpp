#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/host/idmapped_mount.hpp>
#include <jailed/plan/git_home.hpp>
#include <jailed/plan/git_shadow.hpp>
#include <jailed/plan/user_files.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

struct Surroundings;

/// Looks at the repository of a project; nothing is made. No process is started, but for a clone that borrows objects of another
/// repository (object_stores).
plan::GitFacts look_at_git(const std::string& project, const Surroundings& around);

/// Makes object directories reachable for the jail's user: where they are root's and the jail is not, by
/// idmapped mounts, which `idmapped` (null: only say where) makes.
class ObjectViews {
 public:
  ObjectViews(std::string session_id, plan::Identity identity, host::IdmappedMounts* idmapped)
      : session_id_(std::move(session_id)), identity_(identity), idmapped_(idmapped) {}

  std::string of(const std::string& directory);
  std::vector<std::string> of(const std::vector<std::string>& directories);

 private:
  std::string session_id_;
  plan::Identity identity_;
  host::IdmappedMounts* idmapped_;
  int count_ = 0;
};

plan::GitSources git_sources(const plan::GitFacts& facts, const std::string& session_view,
                             const std::string& workspace, ObjectViews& views);

/// Fills a session for a plan: the record of what is shadowed, the refs as they are, the shadow itself, the
/// files that stand in for others; and <project>/.git where a mount needs it. By file copies alone.
void make_git_shadow(const plan::GitPlan& plan, const plan::GitFacts& facts, const std::string& session,
                     bool other_owner);

/// The refs of a shadow, read as hostile bytes; nothing when they cannot be told from its files (reftable).
std::optional<plan::GitRefs> read_refs(const std::string& git_dir, const std::string& common_dir);

/// What a session's shadow holds that the host does not have.
struct ShadowState {
  std::optional<plan::GitRecord> record;  // nothing: the session shadows no repository
  plan::GitRefs known;                    // what the host had at the launch
  plan::GitRefs changed;                  // refs of the work that are new since
  bool changed_head = false;              // another branch, or other commits on none
  bool has_work = false;                  // any of these, or refs that cannot be read
};

/// One repository's state; `unit` is the session, or a directory of it for a submodule (session_units).
ShadowState read_shadow_state(const std::string& session, const std::string& unit);

/// The session, then a directory for each submodule.
std::vector<std::string> session_units(const std::string& session);

/// Submodules that the jail added: their repositories are nowhere else.
std::vector<std::string> new_modules(const std::string& session);

/// Whether anything would be lost with the session, or with a part of one (session_parts).
bool session_has_work(const std::string& session);

/// The project of a session's jail; empty when it shadows no repository.
std::string session_project(const std::string& session);

/// Removes <project>/.git of the session's projects where it is jailed's own, empty, and no other session needs it.
void remove_made_entries(const std::string& sessions, const std::string& session_id);

}  // namespace jailed::commands
