#include <catch.hpp>
#include <jailed/plan/engine/testcontainers.hpp>
#include <support.hpp>

using namespace jailed;
using namespace jailed::plan;
using jailed::test::message_of;
using Paths = std::vector<std::string>;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", false};
const Engine kRootless{EngineKind::podman, "/usr/bin/podman", true};

constexpr auto kContext = R"({"Name":"there","Endpoints":{"docker":{"Host":"unix:///x/docker.sock"}}})";

SocketFound found(uid_t owner, gid_t group, mode_t mode) {
  return {.path = "/s",
          .is_socket = true,
          .owner = owner,
          .group = group,
          .mode = mode,
          .owner_name = "root",
          .group_name = "docker",
          .usable = true};
}

}  // namespace

TEST_CASE("Docker's socket: DOCKER_HOST, then a context, then the usual place", "[plan]") {
  CHECK(socket_candidates(kDocker, {}) == Paths{"/var/run/docker.sock"});
  EndpointFacts facts;
  facts.docker_contexts = {"not json", kContext};
  facts.docker_config = R"({"currentContext":"there"})";
  CHECK(socket_candidates(kDocker, facts) == Paths{"/x/docker.sock"});
  facts.docker_context = "default";
  CHECK(socket_candidates(kDocker, facts) == Paths{"/var/run/docker.sock"});
  facts.docker_context = "gone";
  CHECK(message_of([&] { socket_candidates(kDocker, facts); }) == "The docker context 'gone' is not there.");
  facts.docker_host = "unix:///run/user/7/docker.sock";
  CHECK(socket_candidates(kDocker, facts) == Paths{"/run/user/7/docker.sock"});
  facts.docker_host = "ssh://there";
  CHECK(message_of([&] { socket_candidates(kDocker, facts); }) ==
        "DOCKER_HOST names 'ssh://there', which is no unix socket of this machine.");
}

TEST_CASE("Podman's socket: root's, or the user's", "[plan]") {
  EndpointFacts facts{.docker_host = "unix:///x", .runtime_dir = "/tmp/run", .uid = 7};
  CHECK(socket_candidates(kPodman, facts) == Paths{"/run/podman/podman.sock"});
  CHECK(socket_candidates(kRootless, facts) ==
        Paths{"/tmp/run/podman/podman.sock", "/run/user/7/podman/podman.sock"});
  facts.runtime_dir = "/run/user/7";
  CHECK(socket_candidates(kRootless, facts) == Paths{"/run/user/7/podman/podman.sock"});
}

TEST_CASE("a socket that cannot be used is an error with the way out", "[plan]") {
  const auto error = [](const Engine& engine, std::optional<SocketFound> socket) {
    return *test::error_of([&] { check_socket(engine, {"/s"}, socket); });
  };
  CHECK(error(kRootless, std::nullopt).next_step().find("systemctl --user enable --now podman.socket") !=
        std::string::npos);
  CHECK(error(kPodman, std::nullopt).next_step().find("sudo systemctl enable --now podman.socket") !=
        std::string::npos);
  CHECK(error(kDocker, std::nullopt).next_step().find("systemctl enable --now docker") != std::string::npos);
  auto socket = found(0, 105, 0660);
  CHECK_NOTHROW(check_socket(kDocker, {"/s"}, socket));
  socket.usable = false;
  CHECK(error(kDocker, socket).what() ==
        std::string("--testcontainers: permission denied on /s: it belongs to user root (0) and group "
                    "docker (105), mode 0660."));
  CHECK(error(kDocker, socket)
            .next_step()
            .starts_with("you are missing in the group docker: sudo usermod -aG docker"));
  socket.is_socket = false;
  CHECK(error(kDocker, socket).what() == std::string("--testcontainers: /s is not a socket."));
}

TEST_CASE(
    "the jail gets at the socket by its group, by its uid, or by an idmapped mount; never by root's group",
    "[plan]") {
  const Identity user{1000, 1000};
  CHECK(socket_access(kDocker, found(0, 105, 0660), user).group == gid_t{105});
  CHECK_FALSE(socket_access(kDocker, found(1000, 1000, 0600), user).group);
  CHECK(socket_access(kPodman, found(0, 0, 0660), user).idmap);
  CHECK(socket_access(kPodman, found(0, 0, 0600), user).idmap);
  const auto rootless = socket_access(kRootless, found(1000, 1000, 0600), user);
  CHECK_FALSE((rootless.group || rootless.idmap));
}

TEST_CASE("the libraries find the socket, the host and their reaper by variables", "[plan]") {
  const auto variables = [](const Engine& engine, bool filtered,
                            const std::vector<std::string>& user_env = {}) {
    Jail jail;
    add_testcontainers(jail, engine, {.mount = "/m", .on_host = "/s", .filtered = filtered, .group = 105},
                       user_env);
    CHECK(jail.binds == std::vector{BindMount{"/m", "/var/run/docker.sock", false}});
    CHECK(jail.groups == std::vector<gid_t>{105});
    Paths names;
    for (const auto& variable : jail.environment.constants)
      names.push_back(variable.name + "=" + variable.value);
    return names;
  };
  const std::string host = "DOCKER_HOST=unix:///var/run/docker.sock";
  const std::string path = "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=/s";
  CHECK(variables(kDocker, false) == Paths{host, "TESTCONTAINERS_HOST_OVERRIDE=host.docker.internal", path});
  CHECK(variables(kDocker, true) == Paths{host, "TESTCONTAINERS_HOST_OVERRIDE=host.docker.internal", path,
                                          "TESTCONTAINERS_RYUK_DISABLED=true"});
  CHECK(variables(kRootless, false) == Paths{host, "TESTCONTAINERS_HOST_OVERRIDE=host.containers.internal",
                                             path, "TESTCONTAINERS_RYUK_DISABLED=true"});
  CHECK(variables(kPodman, false) == Paths{host, "TESTCONTAINERS_HOST_OVERRIDE=host.containers.internal",
                                           path, "TESTCONTAINERS_RYUK_CONTAINER_PRIVILEGED=true",
                                           "TESTCONTAINERS_RYUK_PRIVILEGED=true"});
  CHECK(variables(kDocker, false, {"DOCKER_HOST=tcp://x", "TESTCONTAINERS_HOST_OVERRIDE"}) == Paths{path});
}

TEST_CASE("the warning says whose powers the socket gives", "[plan]") {
  CHECK(socket_warning(kDocker, 0).find("root on this machine") != std::string::npos);
  CHECK(socket_warning(kRootless, 1000).find("you on this machine") != std::string::npos);
}
