#include <algorithm>
#include <array>
#include <initializer_list>
#include <jailed/plan/engine/kinds.hpp>
#include <string>

namespace jailed::plan {
namespace {

using Kind = Failure::Kind;

struct Known {
  std::initializer_list<std::string_view> words;  // any of these
  Kind kind;
  std::string_view message;
  std::string_view next_step;
};

// The more exact first: one mistake often has podman complain of what follows from it as well.
const std::array<Known, 13> kKnown = {{
    {{"cannot connect to podman", "unable to connect to podman"},
     Kind::daemon_down,
     "Podman's client has nothing to talk to.",
     "macOS: podman machine start, the first time: podman machine init\n"
     "Linux: unset CONTAINER_HOST and CONTAINER_CONNECTION, or start what they name: systemctl --user start "
     "podman.socket"},
    {{"exec: \"newuidmap\": executable file not found", "exec: \"newgidmap\": executable file not found",
      "cannot find newuidmap", "cannot find newgidmap"},
     Kind::not_set_up,
     "Rootless podman needs newuidmap and newgidmap, and they are not there.",
     "Debian, Ubuntu: sudo apt install uidmap    Fedora: sudo dnf install shadow-utils"},
    {{"no subuid ranges found", "no subgid ranges found", "insufficient uids or gids available",
      "not be enough ids available", "keep-id requires additional uids or gids",
      "cannot find uid/gid for user", "cannot find mappings for user"},
     Kind::not_set_up,
     "Rootless podman needs subordinate ids, and you have none or too few in /etc/subuid and /etc/subgid.",
     "give yourself a range that is nobody's yet: sudo usermod --add-subuids 524288-589823 --add-subgids "
     "524288-589823 \"$USER\"\n"
     "then: podman system migrate"},
    {{"should have setuid or have filecaps", "newuidmap: write to uid_map failed",
      "newgidmap: write to gid_map failed", "cannot set up namespace using", "cannot setup namespace using"},
     Kind::not_set_up,
     "Podman cannot make your user namespace: newuidmap or newgidmap failed.",
     "they lost their setuid bit or capabilities: sudo apt install --reinstall uidmap    Fedora: sudo dnf "
     "reinstall "
     "shadow-utils\n"
     "or the ranges in /etc/subuid and /etc/subgid are not yours to use; then: podman system migrate"},
    {{"fuse: device not found", "failed to open /dev/fuse", "open /dev/fuse"},
     Kind::not_set_up,
     "Podman's storage needs /dev/fuse, which is missing or closed to you.",
     "sudo modprobe fuse    closed: sudo chmod 666 /dev/fuse    in a container: run that with --device "
     "/dev/fuse"},
    {{"exec: \"fuse-overlayfs\": executable file not found", "fuse-overlayfs: no such file or directory"},
     Kind::not_set_up,
     "Podman's storage needs fuse-overlayfs, which is not installed.",
     "Debian, Ubuntu: sudo apt install fuse-overlayfs    Fedora: sudo dnf install fuse-overlayfs"},
    {{"could not find pasta", "could not find slirp4netns"},  // with Debian's podman 5.4 pasta is only recommended
     Kind::not_set_up,
     "Podman makes a jail's network by pasta (before 5.0 by slirp4netns), which is not installed.",
     "Debian, Ubuntu: sudo apt install passt slirp4netns    Fedora: sudo dnf install passt"},
    {{"xdg_runtime_dir directory", "xdg_runtime_dir is pointing", "xdg_runtime_dir: "},
     Kind::not_set_up,
     "XDG_RUNTIME_DIR is not set to a directory of yours, as after su or sudo.",
     "log in as this user (ssh, machinectl shell), or: sudo loginctl enable-linger \"$USER\" && export "
     "XDG_RUNTIME_DIR=/run/user/$(id -u)"},
    {{"backing file system is unsupported for this graph driver", "kernel does not support overlay fs",
      "database configuration mismatch"},
     Kind::not_set_up,
     "Podman's storage does not fit its file system or its configuration.",
     "see graphroot and driver in ~/.config/containers/storage.conf: the place must be a local disk, the "
     "driver the "
     "one it was made with\n"
     "to start afresh, without any of your containers and images: podman system reset"},
    {{"creating runtime static files directory", "opening database"},
     Kind::not_set_up,
     "Podman cannot write to its storage.",
     "see whose it is and whether it is mounted read-only: podman info --format '{{.Store.GraphRoot}}'"},
    {{"cgroups in hybrid mode not supported"},  // crun, with status 126
     Kind::not_set_up,
     "Podman's crun cannot work with the cgroups of this machine, which has both versions mounted.",
     "have podman use runc: runtime = \"runc\" below [engine] in ~/.config/containers/containers.conf (of root: in /etc/containers)\n"
     "or start this machine with version 2 alone: systemd.unified_cgroup_hierarchy=1 on the kernel's command line"},
    {{"no seccomp policy defined by image"},
     Kind::other,
     "The image has no profile of system calls, and podman on another machine takes none but the image's.",
     "build it there with this jailed: jailed build\n"
     "or run jails with that podman's own profile: --seccomp default"},
    {{"did not resolve to an alias and no unqualified-search registries"},
     Kind::other,
     "Podman does not know from which registry the base image is to come.",
     "name it in full: jailed build --base docker.io/library/debian:trixie-slim"},
}};

}  // namespace

std::optional<Failure> podman_setup_failure(std::string_view said) {
  // In a line of its log (time=… msg="…") quotes are escaped.
  std::string plain(said);
  std::erase(plain, '\\');
  for (const auto& known : kKnown) {
    const bool has = std::any_of(known.words.begin(), known.words.end(), [&](std::string_view words) {
      return plain.find(words) != std::string_view::npos;
    });
    if (has) return Failure{known.kind, std::string(known.message), std::string(known.next_step)};
  }
  return std::nullopt;
}

}  // namespace jailed::plan
