#include <catch.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <support.hpp>

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker"};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", true};

constexpr auto kConnections =
    R"({"Connection":{"Default":"vm","Connections":{
        "vm":{"URI":"ssh://core@127.0.0.1:50693/run/user/501/podman/podman.sock","IsMachine":true},
        "far":{"URI":"ssh://me@far.example/run/podman/podman.sock"}}}})";

// As podman 4 wrote them.
constexpr auto kConf =
    "# a comment\n[engine]\n  active_service = 'old'   # it\n\n"
    "[engine.service_destinations]\n  [engine.service_destinations.\"old\"]\n"
    "    uri = \"ssh://core@localhost:1/x\"\n";

std::string address(const std::optional<Endpoint>& endpoint) { return endpoint ? endpoint->address : "none"; }

}  // namespace

TEST_CASE("docker's endpoint, in docker's order", "[plan]") {
  EndpointFacts facts;
  CHECK(address(docker_endpoint(facts)) == "none");
  facts.docker_config = R"({"currentContext":"there"})";
  CHECK(test::message_of([&] { docker_endpoint(facts); }) == "The docker context 'there' is not there.");
  facts.docker_contexts = {"", "[]", R"({"Name":"there"})"};
  CHECK(address(docker_endpoint(facts)).empty());
  facts.docker_contexts = {R"({"Name":"there","Endpoints":{"docker":{"Host":"ssh://x"}}})"};
  CHECK(*docker_endpoint(facts) ==
        Endpoint{.address = "ssh://x",
                                             .named_by = "The docker context 'there'",
                                             .way_back = "docker context use default",
                                             .context = "there"});
  facts.docker_context = "there";
  CHECK(docker_endpoint(facts)->way_back == "unset DOCKER_CONTEXT");
  facts.docker_context = "default";
  CHECK(address(docker_endpoint(facts)) == "none");
  facts.docker_host = "tcp://y";
  CHECK(*docker_endpoint(facts) == Endpoint{"tcp://y", "DOCKER_HOST", "unset DOCKER_HOST"});
}

TEST_CASE("podman's endpoint", "[plan]") {
  EndpointFacts facts;
  facts.podman_connections = kConnections;
  CHECK(address(podman_endpoint(facts)) == "none");  // it works by itself
  facts.containers_conf = {"[engine]\nremote=true\n"};
  CHECK(podman_endpoint(facts)->named_by == "Podman's default connection 'vm'");
  CHECK_FALSE(podman_endpoint(facts)->machine);  // on Linux it sees what it is told to
  facts.containers_conf.emplace_back("[engine]\nremote = false # back\n");
  CHECK(address(podman_endpoint(facts)) == "none");
  facts.containers_conf.emplace_back("[engine]\nremote = true\n= no TOML");
  CHECK(address(podman_endpoint(facts)) == "none");
  facts.containers_conf.back() = "engine = { remote = true, service_destinations = { \"a.b\" = { uri = 'ssh://me@dot/s' } } }";
  facts.container_connection = "a.b";
  CHECK(address(podman_endpoint(facts)) == "ssh://me@dot/s");
  facts.container_connection = "far";
  CHECK(address(podman_endpoint(facts)) == "ssh://me@far.example/run/podman/podman.sock");
  facts.container_connection = "gone";
  CHECK(test::message_of([&] { podman_endpoint(facts); }) == "The podman connection 'gone' is not there.");
  facts.container_host = "unix:///x";
  CHECK(address(podman_endpoint(facts)) == "unix:///x");
}

TEST_CASE("bind mounts reach this machine's sockets and podman's own machine", "[plan]") {
  const auto remote = [](EngineKind kind, const EndpointFacts& facts) {
    const auto endpoint = engine_endpoint({.kind = kind}, facts);
    return endpoint && reach_of(*endpoint) == kAnotherMachine;
  };
  EndpointFacts facts;
  CHECK_FALSE(remote(EngineKind::docker, facts));
  facts.docker_host = "unix:///Users/me/.docker/run/docker.sock";
  CHECK_FALSE(remote(EngineKind::docker, facts));
  facts.docker_host = "tcp://me:secret@127.0.0.1:2375/x";
  CHECK_FALSE(remote(EngineKind::podman, facts));
  CHECK(remote(EngineKind::docker, facts));
  CHECK(shown_address(*facts.docker_host) == "tcp://127.0.0.1:2375");

  facts.podman_is_client = true;
  CHECK_FALSE(remote(EngineKind::podman, facts));  // no machine yet: podman says so itself
  facts.podman_connections = kConnections;
  CHECK_FALSE(remote(EngineKind::podman, facts));
  facts.container_connection = "far";
  CHECK(remote(EngineKind::podman, facts));
  facts = {.containers_conf = {kConf}, .podman_is_client = true};
  CHECK_FALSE(remote(EngineKind::podman, facts));
  facts.podman_is_client = false;
  facts.containers_conf.emplace_back("[engine]\nremote = true");
  CHECK(remote(EngineKind::podman, facts));
}

TEST_CASE("rootless docker is told by its socket", "[plan]") {
  const auto said = [](EndpointFacts facts) {
    return test::message_of([&] { check_caller_is_mapped(kDocker, facts); });
  };
  const EndpointFacts rootless{.docker_host = "unix:///run/user/7/docker.sock", .uid = 7};
  CHECK(said(rootless) ==
        "The Docker at /run/user/7/docker.sock is rootless: in its containers only root is you, and no jail "
        "runs as root.");
  CHECK(said({.docker_host = "unix:///r/docker.sock", .runtime_dir = "/r", .uid = 7}).find("is rootless") !=
        std::string::npos);
  CHECK(said({.docker_host = "unix:///r/podman/podman.sock", .uid = 7}).find("podman's socket") !=
        std::string::npos);
  CHECK_NOTHROW(check_caller_is_mapped(kPodman, rootless));
  for (const auto& fine :
       {EndpointFacts{.uid = 7}, EndpointFacts{.docker_host = "unix:///run/user/0/docker.sock", .uid = 0},
        EndpointFacts{.docker_host = "unix:///var/run/docker.sock", .uid = 7},
        EndpointFacts{.docker_host = "unix:///run/user/8/docker.sock", .uid = 7}})
    CHECK_NOTHROW(check_caller_is_mapped(kDocker, fine));
}
