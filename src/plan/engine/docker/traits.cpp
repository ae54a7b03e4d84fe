#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/engine/kinds.hpp>
#include <jailed/plan/engine/testcontainers.hpp>
#include <jailed/plan/list/jails.hpp>

namespace jailed::plan {
namespace {

constexpr std::uint64_t kBytesPerInode = 4096;
constexpr const char* kNetwork = "jailed-isolated";

// A line of JSON a jail: labels hold any byte that a path may.
constexpr const char* kJailsFormat =
    R"([{{json .Names}},{{json (.Label "jailed.session")}},{{json (.Label "jailed.project")}},{{json .Image}},)"
    R"({{json .State}},{{json .RunningFor}},{{json (.Label "jailed.sync")}},{{json (.Label "jailed.detached")}},)"
    R"({{json (.Label "jailed.role")}},{{json (.Label "jailed.projects")}},{{json .ID}}])";

constexpr const char* kMakeNetwork[] = {"network", "create", "--label", "jailed.network=isolated", "--opt",
                                        "com.docker.network.bridge.enable_icc=false", kNetwork};
constexpr const char* kLookForNetwork[] = {"network", "inspect", "--format", "{{.Id}}", kNetwork};
// Of 20.10 to 28.
constexpr const char* kDockerLines[] = {"docker: ",
                                        "Error response",
                                        "See 'docker run --help'",
                                        "Run 'docker run --help'",
                                        "WARNING: ",
                                        "Cannot connect to the Docker daemon",
                                        "permission denied while trying to connect"};

std::string docker_tmpfs_options(const TmpfsMount& mount, Identity identity) {
  auto options = fmt::format(",nr_inodes={}", mount.size / kBytesPerInode);
  if (!mount.shared) options += fmt::format(",uid={},gid={}", identity.uid, identity.gid);
  return options;
}

// All that the daemon remembers, by its own clock: which is no other machine's.
std::vector<std::string> docker_memory_events(const std::string& container) {
  return {"events", "--since", "0", "--until", "0s", "--filter", "container=" + container, "--filter", "event=oom", "--format", "{{.Action}}"};
}

JailClaims docker_jails(std::string_view text) {
  JailClaims answer;
  for (const auto line : core::lines(text)) {
    if (line.empty()) continue;
    const auto fields = parse_answer(line);
    if (!fields.is_array() || fields.size() != 11 ||
        !std::all_of(fields.begin(), fields.end(), [](const auto& field) { return field.is_string(); }) ||
        answer.claims.size() >= kMostJails) {
      answer.whole = false;
      continue;
    }
    if (fields[8] != "") continue;  // a helper of a jail
    answer.claims.push_back({.names = fields[0],
                             .session = fields[1],
                             .project = fields[2],
                             .image = fields[3],
                             .state = fields[4],
                             .age = fields[5],
                             .sync = fields[6],
                             .detached = fields[7],
                             .further = fields[9],
                             .id = fields[10]});
  }
  return answer;
}

std::string_view how_to_start_docker(const Engine&) {
  return "start Docker: sudo systemctl enable --now docker.socket docker    macOS, Windows: start Docker "
         "Desktop";
}

std::vector<std::string> docker_socket_places(const Engine&, const EndpointFacts& facts) {
  const auto endpoint = docker_endpoint(facts);
  return {endpoint ? unix_socket_of(*endpoint) : "/var/run/docker.sock"};
}

bool is_unknown_to_docker(std::string_view text) {
  return text.find("Unknown runtime specified") != std::string_view::npos || text.find("unknown or invalid runtime name") != std::string_view::npos;
}

constexpr Traits kDocker{
    .name = "docker",
    .title = "Docker",
    .packages = {"docker.io", "moby-engine", "--cask docker"},
    .stands_for = "podman",  // podman-docker's
    .rootless = false,
    .quiet = nullptr,
    .endpoint = docker_endpoint,
    .check_caller = check_docker_caller,
    .mutagens_own = true,
    .build = {},
    .run = {.runtime_before_run = false,
            .log_driver = "json-file",
            // 20.10 goes through the mounts in no order, and the first one gives the volume its mode.
            .again = "volume-nocopy",
            // Its client would take Ctrl-P Ctrl-Q, which are keys of editors and shells, for its own; it cannot be told to
            // take none (20.10 and 28: an empty sequence means the default).
            .detach_keys = "--detach-keys=ctrl-^,ctrl-^,ctrl-^,ctrl-^",
            .no_proxies = "",  // it hands none over
            .names_every_limit = false,
            .relabels_mounts = false,
            .profile_from_image = false,
            .tmpfs_options = docker_tmpfs_options},
    .isolation = {.network = kNetwork, .not_found = "not found", .make = kMakeNetwork, .look = kLookForNetwork, .found = ""},
    .socket = {.places = docker_socket_places,
               .how_to_start = how_to_start_docker,
               .host = "host.docker.internal",
               .add_host = "host.docker.internal:host-gateway",
               .privileged_ryuk = false},
    .answers = {.jails_format = kJailsFormat,
                .jails = docker_jails,
                .version_format = "{{.ServerVersion}}",
                .machine_format = "{{.MemTotal}} {{.Architecture}}",
                .memory_events = docker_memory_events,
                .annotations_format = nullptr},
    .words = {.service = "Docker's daemon",
              .of_setup = nullptr,
              .of_service = docker_service_failure,
              .look_elsewhere = "see whether it is there: docker version\n"
                                "DOCKER_HOST, DOCKER_CONTEXT or `docker context use` names it; unset, jailed takes the one of this machine",
              .unknown_runtime = is_unknown_to_docker,
              .known_runtimes = "see what it knows: docker info --format '{{json .Runtimes}}'\n"
                                "add one: \"runtimes\" in /etc/docker/daemon.json, then: sudo systemctl reload docker",
              .lines = kDockerLines},
};

}  // namespace

const Traits& docker_traits() { return kDocker; }

}  // namespace jailed::plan
