#pragma once
#include <sys/types.h>

#include <jailed/core/settings.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A project beside the first: in the jail at /projects/<name>.
struct NamedProject {
  std::string name;
  std::string path;  // on the host
  bool operator==(const NamedProject&) const = default;
};

/// Names for further projects, in their order: the last component, with only what engines allow in a name; of
/// those that would be called the same, the parent's name before it; and where that does not tell them apart,
/// a number behind it. None is in `taken`.
std::vector<NamedProject> name_projects(const std::vector<std::string>& paths,
                                        const std::vector<std::string>& taken = {});

/// Where a further project is that is nowhere else: one that Mutagen brings in.
JailPlace place_of(const std::string& name);

/// Where a project is that can be mounted anywhere: at its own path of the host, so that what holds absolute paths
/// works on both sides and agents, who file history and answers to trust questions by path, tell projects apart. Where
/// that path is the jail's own (its home, the image's directories) at /workspaces/<name>-<hash>, which no other
/// project has. The alias is /workspace, or for a further project, one with a `name`, /projects/<name>.
JailPlace place_for(const std::string& project, const std::string& user, const std::string& name);

/// `binds`, and each that is at or in a place once more at the place's alias: what hides or protects something in a
/// project does so on every way there.
std::vector<BindMount> at_all_places(std::vector<BindMount> binds, const std::vector<JailPlace>& places);

/// Where in every jail a name is, which is how Mutagen gets there: nothing names the first project, a path itself (what
/// a jail on another machine has beside its projects, see remote.hpp), anything else a further project.
std::string workspace_of(const std::string& name);

/// A project of a jail with several, each allowed by itself.
struct SharedProject {
  std::string path;  // canonical
  uid_t owner = 0;
  dev_t device = 0;
  ino_t inode = 0;
};

/// Throws UsageError where projects cannot be in one jail: the same one twice, one inside another, or one
/// that the jail's user, who is chosen for the first, could not use. The last is for a caller who is root:
/// anybody else has been refused what is not theirs.
void check_several(const std::vector<SharedProject>& projects, Identity identity, bool caller_is_root,
                   const std::set<core::Waiver>& allow);

/// Each byte but letters, digits and "/._-" as %XX; and back.
std::string encode_bytes(std::string_view bytes);
std::string decode_bytes(std::string_view text);

/// "NAME:PATH NAME:PATH" for a label, of the path each byte but letters, digits and "/._-" as %XX: podman's
/// `volume create` (4.3) reads a label as comma-separated values.
std::string projects_label(const std::vector<NamedProject>& projects);
std::vector<NamedProject> parse_projects(std::string_view label);

}  // namespace jailed::plan
