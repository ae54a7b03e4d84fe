#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/reach.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/project/projects.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What decides where the things of a session are. None of it is made, none is looked at.
struct LayoutFacts {
  std::string id;
  std::string config;                  // the configuration directory, canonical
  std::string project;                 // the first one: a cache may be its own
  std::vector<NamedProject> projects;  // that are in the jail, the first one without a name
  std::string root_mounts;             // where root's mounts of this session are to be; empty: the caller is not root
  Reach reach = kHere;
  bool synced = false;    // Mutagen brings the projects
  bool can_lease = false;  // this machine has such FIFOs
};

/// A project on the host and in the jail.
struct ProjectLayout {
  std::string path;
  std::string name;       // empty: the first
  std::string workspace;  // `path` as the jail's user reaches it
  std::string view;       // its part of the session, as the jail's user reaches that
  JailPlace place;        // in the jail
  bool operator==(const ProjectLayout&) const = default;
};

/// Where everything of a session is: on the host, in root's mounts, in the jail. The same for a launch and for --dry-run.
struct Layout {
  std::string id;
  std::string sessions;  // <config>/sessions
  std::string session;   // and the one of this session in it
  std::string config;    // as the jail's user reaches it
  std::string view;      // and so the session
  StatePaths state;      // and so what agents keep
  std::vector<ProjectLayout> projects;
  std::optional<std::string> lease;  // the FIFO that jailed keeps open; none for an engine whose containers can hold none of this machine

  /// A file of the session, as jailed and an engine of this machine reach it.
  std::string file(std::string_view name) const { return session + "/" + std::string(name); }
  bool operator==(const Layout&) const = default;
};

Layout layout_of(const LayoutFacts& facts, const core::Settings& settings);

/// Where the parts of further projects are below a session (work/session/parts.hpp); and the one of a project, of the first one
/// (an empty name) nothing.
inline constexpr std::string_view kParts = "/projects";
std::string part_below(const std::string& name);

}  // namespace jailed::plan
