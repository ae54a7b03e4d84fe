#include <jailed/plan/engine/failure.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using Kind = Failure::Kind;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker"};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", true};

struct Said {
  std::string text;
  Kind kind;
  std::string message;  // its beginning
  std::string step;     // is in the next step
};

}  // namespace

TEST_CASE("a machine that is not set up for podman", "[plan]") {
  const auto said = GENERATE(values<Said>({
      // 4.3.1, each made to happen
      {"time=\"2026-11-24T14:27:44Z\" level=error msg=\"invalid internal status, try resetting the pause "
       "process with "
       "\\\"podman system migrate\\\": command required for rootless mode with multiple IDs: exec: "
       "\\\"newuidmap\\\": "
       "executable file not found in $PATH\"\n",
       Kind::not_set_up, "Rootless podman needs newuidmap", "apt install uidmap"},
      {"time=\"2026-11-24T14:27:44Z\" level=error msg=\"cannot find UID/GID for user me: no subuid ranges "
       "found for user "
       "\\\"me\\\" in /etc/subuid - check rootless mode in man pages.\"\ntime=\"2026-11-24T14:27:44Z\" "
       "level=warning "
       "msg=\"Using rootless single mapping into the namespace. This might break some images. Check "
       "/etc/subuid and "
       "/etc/subgid for adding sub*ids if not using a network user\"\nError: jailed:latest: image not "
       "known\n",
       Kind::not_set_up, "Rootless podman needs subordinate ids", "usermod --add-subuids"},
      {"Error: keep-id requires additional UIDs or GIDs defined in /etc/subuid and /etc/subgid to function "
       "correctly: "
       "%!w(<nil>)\n",
       Kind::not_set_up, "Rootless podman needs subordinate ids", "usermod --add-subuids"},
      {"Error: writing blob: adding layer with blob \"sha256:b2\": processing tar file(potentially "
       "insufficient UIDs or "
       "GIDs available in user namespace (requested 42:42 for /f): Check /etc/subuid and /etc/subgid if "
       "configured "
       "locally and run podman-system-migrate: lchown /f: invalid argument): exit status 1\n",
       Kind::not_set_up, "Rootless podman needs subordinate ids", "podman system migrate"},
      {"time=\"2026-11-24T14:27:44Z\" level=error msg=\"running `/usr/bin/newuidmap 8647 0 1002 1 1 165536 "
       "65536`: "
       "newuidmap: write to uid_map failed: Operation not permitted\\n\"\ntime=\"2026-11-24T14:27:44Z\" "
       "level=error "
       "msg=\"invalid internal status, try resetting the pause process with \\\"podman system migrate\\\": "
       "cannot set up "
       "namespace using \\\"/usr/bin/newuidmap\\\": should have setuid or have filecaps setuid: exit status "
       "1\"\n",
       Kind::not_set_up, "Podman cannot make your user namespace", "apt install --reinstall uidmap"},
      {"Cannot connect to Podman. Please verify your connection to the Linux system using `podman system "
       "connection "
       "list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\nError: "
       "unable to connect "
       "to Podman socket: Get \"http://d/v4.3.1/libpod/_ping\": dial unix /nonexistent/podman.sock: connect: "
       "no such file "
       "or directory\n",
       Kind::daemon_down, "Podman's client has nothing to talk to.", "podman machine start"},
      {"Error: creating runtime static files directory: mkdir /srv/foreign/libpod: permission denied\n",
       Kind::not_set_up, "Podman cannot write to its storage.", "GraphRoot"},
      {"Error: opening database /home/me/.local/share/containers/storage/libpod/bolt_state.db: open "
       "/home/me/.local/share/containers/storage/libpod/bolt_state.db: read-only file system\n",
       Kind::not_set_up, "Podman cannot write to its storage.", "GraphRoot"},
      {"Error: creating build container: short-name \"debian:x\" did not resolve to an alias and no "
       "unqualified-search "
       "registries are defined in \"/etc/containers/registries.conf\"\n",
       Kind::other, "Podman does not know from which registry",
       "--base docker.io/library/debian:trixie-slim"},
      {"Error: could not find pasta, the network namespace can't be configured: exec: \"pasta\": executable file not found in $PATH\n",
       Kind::not_set_up, "Podman makes a jail's network by pasta", "apt install passt"},  // 5.4.2
      // as reported to the project
      {"Error: mounting storage for container d17: creating overlay mount to /root/x/merged, "
       "mount_data=\"lowerdir=/x\": "
       "using mount program /usr/bin/fuse-overlayfs: fuse: device not found, try 'modprobe fuse' "
       "first\nfuse-overlayfs: "
       "cannot mount: no such file or directory\n: exit status 1\n",
       Kind::not_set_up, "Podman's storage needs /dev/fuse", "modprobe fuse"},
      {"time=\"2024-02-26T07:51:35+01:00\" level=error msg=\"XDG_RUNTIME_DIR directory \\\"/run/user\\\" is "
       "not owned by "
       "the current user\"\n",
       Kind::not_set_up, "XDG_RUNTIME_DIR is not set", "loginctl enable-linger"},
      {"Error: kernel does not support overlay fs: 'overlay' is not supported over <unknown> at "
       "\"/home/test/.local/share/containers/storage/overlay\": backing file system is unsupported for this "
       "graph driver\n",
       Kind::not_set_up, "Podman's storage does not fit", "podman system reset"},
      {"Error: cannot setup namespace using newuidmap: exit status 1\n", Kind::not_set_up,
       "Podman cannot make your user namespace", "podman system migrate"},
      {"Cannot connect to Podman. Please verify your connection to the Linux system using `podman system "
       "connection "
       "list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\nError: "
       "unable to connect "
       "to Podman socket: failed to connect: dial tcp 127.0.0.1:49846: connect: connection refused\n",
       Kind::daemon_down, "Podman's client has nothing to talk to.", "podman machine init"},
  }));
  CAPTURE(said.text);
  const auto failure = recognise_failure(kPodman, said.text, "jailed:latest");
  REQUIRE(failure);
  CHECK(failure->kind == said.kind);
  CHECK(failure->message.starts_with(said.message));
  CHECK(failure->next_step.find(said.step) != std::string::npos);
  const auto docker = recognise_failure(kDocker, said.text, "jailed:latest");
  CHECK((!docker || docker->message != failure->message));
}

TEST_CASE("warnings that podman works on with are no failures", "[plan]") {
  for (const std::string text : {"time=\"2026-11-24T14:26:52Z\" level=warning msg=\"\\\"/\\\" is not a "
                                 "shared mount, this could cause issues or "
                                 "missing mounts with rootless containers\"\n",
                                 "time=\"2026-11-24T14:28:36Z\" level=error msg=\"User-selected graph driver "
                                 "\\\"vfs\\\" overwritten by graph driver "
                                 "\\\"overlay\\\" from database - delete libpod local files to resolve.  May "
                                 "prevent use of images created by other "
                                 "tools\"\n"})
    CHECK_FALSE(recognise_failure(kPodman, text, "x"));
}
