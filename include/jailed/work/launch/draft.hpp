#pragma once
#include <sys/types.h>

#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/launch/places.hpp>
#include <jailed/work/launch/shares.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// All that was asked for and found out before a jail is planned.
struct Launch {
  const std::vector<std::string>& command;  // none: a shell
  const core::Settings& settings;
  const core::Environment& environment;
  const Places& places;
  bool synced = false;  // Mutagen brings the project in
};

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
  std::string session;       // the session's directory
  std::string session_view;  // and as the jail's user reaches it
  std::unique_ptr<host::IdmappedMounts> mounts;  // planned only; null where the caller is not root
  std::unique_ptr<ObjectViews> views;
  std::string socket;  // the engine's, as the jail's user reaches it; empty: the jail has none
  std::vector<SessionFile> files;
  bool signs_commits = false;  // the caller's git does
};

/// Plans the jail of session `id`, looks at the host and makes nothing. `shares`: look_at_projects. `lease`: the FIFO, where there is one.
JailDraft draft_jail(const Launch& launch, const std::string& id, std::vector<ProjectShare> shares, std::optional<std::string> lease);

/// Another jail on an abandoned session, to bring its commits home later: its files, and no shares.
JailDraft draft_later_jail(const Launch& launch, const std::string& id, host::IdmappedMounts* mounts);

/// Where the lease of a launch is to be; none for an engine whose containers can hold no FIFO of this machine.
std::optional<std::string> planned_lease(const Launch& launch, const std::string& session);

}  // namespace jailed::work
