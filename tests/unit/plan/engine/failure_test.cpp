#include <jailed/plan/engine/failure.hpp>

#include "catch.hpp"

using jailed::plan::Failure;
using jailed::plan::recognise_failure;
using jailed::plan::says_container_is_gone;
using jailed::plan::Engine;
using jailed::plan::EngineKind;
using Kind = Failure::Kind;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", true};

Kind kind_of(const Engine& engine, const std::string& text) {
  const auto failure = recognise_failure(engine, text, "jailed:latest");
  return failure ? failure->kind : Kind::other;
}

}  // namespace

TEST_CASE("a missing image, in the words of docker 20.10, docker 28 and podman 4.3", "[plan]") {
  for (const auto& [engine, text] : std::initializer_list<std::pair<Engine, std::string>>{
           {kDocker,
            "docker: Error response from daemon: No such image: jailed:latest.\nSee 'docker run --help'.\n"},
           {kDocker,
            "docker: Error response from daemon: No such image: jailed:latest\n\nRun 'docker run --help' for "
            "more "
            "information\n"},
           {kPodman, "Error: jailed:latest: image not known\n"}}) {
    const auto failure = recognise_failure(engine, text, "jailed:latest");
    REQUIRE(failure);
    CHECK(failure->kind == Kind::image_missing);
    CHECK(failure->message == "Image 'jailed:latest' not found.");
    CHECK(failure->next_step == "run: jailed build");
  }
}

TEST_CASE("a daemon that went away under a jail is not one that could not start it", "[plan]") {
  for (const std::string text :
       {"time=\"2023-01-01T00:00:00Z\" level=error msg=\"error waiting for container: unexpected EOF\"\n",
        "error waiting for container: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n"}) {
    const auto failure = recognise_failure(kDocker, text, "jailed:latest");
    REQUIRE(failure);
    CHECK(failure->kind == Kind::engine_gone);
    CHECK(failure->message == "Docker's daemon went away while the jail ran, and the jail ended with it.");
  }
}

TEST_CASE("docker's daemon is down", "[plan]") {
  for (const std::string text :
       {"docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
        "running?.\nSee 'docker run --help'.\n",
        "docker: Cannot connect to the Docker daemon at unix:///nonexistent.sock. Is the docker daemon "
        "running?\n\nRun 'docker run --help' for more information\n",
        "docker: failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is "
        "correct "
        "and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory\n",
        "error during connect: Get \"http://host:2375/_ping\": dial tcp: lookup host: no such host\n"}) {
    const auto failure = recognise_failure(kDocker, text, "jailed:latest");
    REQUIRE(failure);
    CHECK(failure->kind == Kind::daemon_down);
    CHECK(failure->message == "Docker is installed, but its daemon does not answer.");
    CHECK(failure->next_step.starts_with(
        "Linux: sudo systemctl start docker    macOS, Windows: start Docker Desktop\n"
        "or use podman, which needs no daemon: jailed --runtime podman"));
    const auto address = text.find("unix:///nonexistent.sock") != std::string::npos;
    CHECK((failure->next_step.find("looked for at unix:///nonexistent.sock (") != std::string::npos) == address);
  }
}

TEST_CASE("an engine on another machine is silent: its address and the client's last words", "[plan]") {
  const Engine far{.kind = EngineKind::docker, .program = "/usr/bin/docker", .endpoint = "ssh://me:secret@far:22", .reach = jailed::plan::kAnotherMachine};
  const auto failure = recognise_failure(
      far, "some warning\nerror during connect: Get \"http://x\": command [ssh -- far docker system dial-stdio] has exited with 255\n", "i");
  REQUIRE(failure);
  CHECK(failure->kind == Kind::daemon_down);
  CHECK(failure->message == "The engine at ssh://far:22 does not answer: error during connect: Get \"http://x\": command [ssh -- far "
                            "docker system dial-stdio] has exited with 255");
  CHECK(failure->next_step.starts_with("see whether it is there: docker version\n"));
  const Engine podman{.kind = EngineKind::podman, .program = "/usr/bin/podman", .endpoint = "tcp://far:1", .reach = jailed::plan::kAnotherMachine};
  CHECK(recognise_failure(podman, "Cannot connect to Podman. Please verify\nError: unable to connect to Podman socket: refused\n", "i")->message ==
        "The engine at tcp://far:1 does not answer: Error: unable to connect to Podman socket: refused");
}

TEST_CASE("docker's socket is not the caller's to use", "[plan]") {
  for (const std::string text :
       {"docker: permission denied while trying to connect to the Docker daemon socket at "
        "unix:///var/run/docker.sock: Post \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/create\": "
        "dial unix "
        "/var/run/docker.sock: connect: permission denied.\nSee 'docker run --help'.\n",
        "docker: Got permission denied while trying to connect to the Docker daemon socket at "
        "unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied.\n",
        "WARNING: Error loading config file: open /root/.docker/config.json: permission denied\ndocker: "
        "permission "
        "denied while trying to connect to the docker API at unix:///var/run/docker.sock\n"}) {
    const auto failure = recognise_failure(kDocker, text, "jailed:latest");
    REQUIRE(failure);
    CHECK(failure->kind == Kind::permission_denied);
    CHECK(failure->message == "Docker is there, but you may not use it: permission denied on its socket.");
    CHECK(failure->next_step ==
          "join the group and log in anew: sudo usermod -aG docker \"$USER\"\n"
          "or use rootless podman: jailed --runtime podman");
  }
}

TEST_CASE("a full disk, with the engine's own way to see it", "[plan]") {
  const auto text = "Error: writing blob: write /var/tmp/x: no space left on device\n";
  CHECK(kind_of(kDocker, text) == Kind::disk_full);
  CHECK(recognise_failure(kPodman, text, "x")->next_step ==
        "see what takes it: podman system df    free some: podman system prune");
}

TEST_CASE("a certificate that a build does not believe, in each tool's words", "[plan]") {
  for (const std::string text :
       {"SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain",
        "curl: (60) SSL certificate problem: unable to get local issuer certificate\n",
        "npm error code SELF_SIGNED_CERT_IN_CHAIN\n", "tls: failed to verify certificate: x509: certificate signed by unknown authority\n"}) {
    CAPTURE(text);
    CHECK(kind_of(kDocker, text) == Kind::certificate);
  }
}

TEST_CASE("what is not known is not guessed at", "[plan]") {
  for (const std::string text :
       {"",
        "docker: Error response from daemon: invalid mount config for type \"bind\": bind source path does "
        "not "
        "exist: /x.",
        "Error: statfs /x: permission denied",
        "Error: runc: runc create failed: permission denied: OCI permission denied",
        "docker: Error response from daemon: Conflict. The container name \"/x\" is already in use"}) {
    CAPTURE(text);
    CHECK(kind_of(kDocker, text) == Kind::other);
    CHECK(kind_of(kPodman, text) == Kind::other);
  }
  CHECK(kind_of(kPodman, "Cannot connect to the Docker daemon") == Kind::other);
}

TEST_CASE("a container that is gone, in each engine's words", "[plan]") {
  for (const std::string text :
       {"Error: No such container: x\n", "Error response from daemon: No such container: x\n",
        "Error response from daemon: Container 0123 is not running\n",
        "Error: no container with name or ID \"x\" found: no such container\n",
        "Error: can only create exec sessions on running containers: container state improper\n"}) {
    CAPTURE(text);
    CHECK(says_container_is_gone(text));
  }
  CHECK_FALSE(says_container_is_gone(""));
  CHECK_FALSE(says_container_is_gone("Cannot connect to the Docker daemon"));
}
