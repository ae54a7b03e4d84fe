#pragma once
#include <jailed/plan/project/projects.hpp>
#include <string>
#include <vector>

namespace jailed::plan {

/// A link in the jail: `path` leads to `target`.
struct Link {
  std::string path;
  std::string target;
  bool operator==(const Link&) const = default;
};

/// What goes from this machine to a place in the jail.
struct RemoteCopy {
  std::string source;
  std::string place;
  bool file = false;  // else a directory with all that is in it
  bool operator==(const RemoteCopy&) const = default;
};

/// What a jail has instead of bind mounts, see plan/sync/remote.hpp.
struct Carried {
  std::vector<Link> links = {};
  std::vector<std::string> made = {};       // directories
  std::vector<RemoteCopy> copied = {};      // before anything runs there
  std::vector<NamedProject> followed = {};  // kept in step by Mutagen; the name is the place in the jail
  bool operator==(const Carried&) const = default;
};

}  // namespace jailed::plan
