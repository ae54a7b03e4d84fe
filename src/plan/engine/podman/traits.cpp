#include <fmt/format.h>

#include <algorithm>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/engine/kinds.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <jailed/plan/list/jails.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr const char* kPodmanBuild[] = {"--format", "docker"};
constexpr const char* kLookForSlirp[] = {"info", "--format", "{{.Host.Slirp4NetNS.Executable}}"};
// Of 4.3; the last one is podman-docker's.
constexpr const char* kPodmanLines[] = {"Error: ", "See 'podman run --help'", "time=\"", "Cannot connect to Podman.", "Emulate Docker CLI"};

// No uid= and gid=: with U the container's user becomes the owner. It refuses nr_inodes: there a file costs the jail's
// memory, and that has its limit.
std::string podman_tmpfs_options(const TmpfsMount& mount, Identity) { return mount.shared ? ",notmpcopyup" : ",notmpcopyup,U"; }

JailClaims podman_jails(std::string_view text) {
  JailClaims answer;
  const auto list = parse_answer(text);
  if (!list.is_array()) {
    answer.whole = list.is_null() || text.find_first_not_of(" \r\n") == std::string_view::npos;
    return answer;
  }
  for (const auto& entry : list) {
    const auto labels = entry.is_object() ? entry.value("Labels", json::object()) : json();
    const auto names = entry.is_object() ? entry.value("Names", json::array()) : json();
    if (!labels.is_object() || !names.is_array() || names.empty() || !names.front().is_string() || answer.claims.size() >= kMostJails) {
      answer.whole = false;
      continue;
    }
    if (!string_at(labels, "jailed.role").empty()) continue;
    answer.claims.push_back({.names = names.front(),
                             .session = string_at(labels, "jailed.session"),
                             .project = string_at(labels, "jailed.project"),
                             .image = string_at(entry, "Image"),
                             .state = string_at(entry, "State"),
                             .age = string_at(entry, "CreatedAt"),
                             .sync = string_at(labels, "jailed.sync"),
                             .detached = string_at(labels, "jailed.detached"),
                             .further = string_at(labels, "jailed.projects"),
                             .id = string_at(entry, "Id")});
  }
  return answer;
}

std::string_view how_to_start_podman(const Engine& engine) {
  if (engine.rootless) {
    return "start it: systemctl --user enable --now podman.socket\n"
           "without systemd: podman system service --time=0 &";
  }
  return "start it: sudo systemctl enable --now podman.socket\n"
         "without systemd: sudo mkdir -p /run/podman && sudo podman system service --time=0 unix:///run/podman/podman.sock &";
}

std::vector<std::string> podman_socket_places(const Engine& engine, const EndpointFacts& facts) {
  if (!engine.rootless) return {"/run/podman/podman.sock"};
  std::vector<std::string> paths;
  if (facts.runtime_dir) paths.push_back(*facts.runtime_dir + "/podman/podman.sock");
  const auto usual = fmt::format("/run/user/{}/podman/podman.sock", facts.uid);
  if (std::find(paths.begin(), paths.end(), usual) == paths.end()) paths.push_back(usual);
  return paths;
}

bool is_unknown_to_podman(std::string_view text) {
  return text.find("OCI runtime \"") != std::string_view::npos && text.find("not found") != std::string_view::npos;
}

constexpr Traits kPodman{
    .name = "podman",
    .title = "Podman",
    .packages = {"podman", "podman", "podman"},
    .stands_for = "",
    .rootless = true,
    // Podman 5 would say on each call that cgroups v1 are deprecated, which is no news of the jail's.
    .quiet = "PODMAN_IGNORE_CGROUPSV1_WARNING",
    .endpoint = podman_endpoint,
    .check_caller = nullptr,
    .mutagens_own = false,
    .build = kPodmanBuild,
    .run = {.runtime_before_run = true,
            .log_driver = "k8s-file",
            .again = "",  // its --mount (4.3 to 5.4) has no such word
            .detach_keys = "",
            .no_proxies = "--http-proxy=false",
            // Rootless, a jail has a user namespace of its own, in which this limit counts the jail's processes alone: it
            // holds where no cgroup can.
            .names_every_limit = true,
            .relabels_mounts = true,
            // Its service opens the file itself (docker's client sends what is in it). Of an image without a profile it makes
            // no container (4.3).
            .profile_from_image = true,
            .tmpfs_options = podman_tmpfs_options},
    .isolation = {.network = "slirp4netns", .not_found = "", .make = {}, .look = kLookForSlirp, .found = "/"},
    .socket = {.places = podman_socket_places,
               .how_to_start = how_to_start_podman,
               // By itself, with an address that fits its kind of network.
               .host = "host.containers.internal",
               .add_host = "",
               .privileged_ryuk = true},
    .answers = {.jails_format = "json",
                .jails = podman_jails,
                .version_format = "{{.Version.Version}}",
                .machine_format = "{{.Host.MemTotal}} {{.Host.Arch}} {{.Host.Security.Rootless}} {{.Host.CgroupsVersion}} "
                                  "{{.Host.CgroupControllers}}",
                .memory_events = nullptr,
                .annotations_format = "{{json .Annotations}}"},
    .words = {.service = "Podman's service",
              .of_setup = podman_setup_failure,
              .of_service = nullptr,
              .look_elsewhere = "see whether it is there: podman --remote version\n"
                                "CONTAINER_HOST, CONTAINER_CONNECTION or podman's default connection names it; unset, jailed takes this machine's podman",
              .unknown_runtime = is_unknown_to_podman,
              .known_runtimes = "install it, or add it below [engine.runtimes] in containers.conf\n"
                                "see the one that is used: podman info --format '{{.Host.OCIRuntime.Path}}'",
              .lines = kPodmanLines},
};

}  // namespace

const Traits& podman_traits() { return kPodman; }

}  // namespace jailed::plan
