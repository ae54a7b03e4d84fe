#pragma once
#include <sys/types.h>

#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/launch/facts.hpp>
#include <jailed/work/launch/shares.hpp>
#include <memory>
#include <string>
#include <vector>

namespace jailed::work {

/// A file of the session.
struct SessionFile {
  std::string name;
  std::string text;
  mode_t mode = 0644;
};

/// A jail as it will be, with what has to be made for it, in this order: `mounts`, the proxy for the engine's socket, `files`, the
/// shadows of the shares (make_shares). The same for a launch and for --dry-run, which makes nothing of it.
struct JailDraft {
  plan::Jail jail;
  std::vector<ProjectShare> shares;
  plan::Layout layout;
  std::unique_ptr<host::IdmappedMounts> mounts;  // planned only; null where the caller is not root
  std::unique_ptr<ObjectViews> views;
  std::string socket;  // the engine's, as the jail's user reaches it; empty: the jail has none
  std::vector<SessionFile> files;
  bool signs_commits = false;  // the caller's git does
};

/// Plans the jail of session `id`, looks at the host and makes nothing. `shares`: look_at_projects. `can_lease`: this machine has FIFOs
/// that end a jail with jailed.
JailDraft draft_jail(const LaunchFacts& facts, const std::string& id, std::vector<ProjectShare> shares, bool can_lease);

/// Another jail on an abandoned session, to bring its commits home later: its files, and no shares.
JailDraft draft_later_jail(const LaunchFacts& facts, const std::string& id);

}  // namespace jailed::work
