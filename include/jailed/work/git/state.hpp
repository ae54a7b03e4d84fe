#pragma once
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

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

/// The parts of a session (session_parts) that hold commits that have not come home.
std::vector<std::string> parts_with_work(const std::string& session);

/// The part has nothing more to bring home: what shadowed its repository is removed.
void forget_shadow(const std::string& part);

}  // namespace jailed::work
