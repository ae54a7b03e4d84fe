#include <jailed/plan/engine/failure.hpp>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::Named;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};
const Engine kPodman{EngineKind::podman, "podman", true};
const Named kAsked{"nosuch", "--sandbox"};

}  // namespace

TEST_CASE("an unknown OCI runtime is named, with who asked for it", "[plan]") {
  for (const auto* text : {"docker: Error response from daemon: Unknown runtime specified nosuch.\nSee 'docker run --help'.\n",
                           "docker: Error response from daemon: unknown or invalid runtime name: nosuch\n"}) {
    const auto failure = recognise_sandbox_failure(kDocker, text, kAsked);
    REQUIRE(failure);
    CHECK(failure->message == "Docker knows no OCI runtime 'nosuch' (asked for by --sandbox).");
    CHECK(failure->next_step.find("docker info") != std::string::npos);
  }
  const auto podman = recognise_sandbox_failure(kPodman, "Error: default OCI runtime \"nosuch\" not found: invalid argument\n", kAsked);
  REQUIRE(podman);
  CHECK(podman->message == "Podman knows no OCI runtime 'nosuch' (asked for by --sandbox).");
}

TEST_CASE("a default runtime that cannot mount the lease says what to name", "[plan]") {
  const auto* text = "docker: Error response from daemon: OCI runtime start failed: mount submount \"/etc/jailed/lease\": failed\n";
  const auto failure = recognise_sandbox_failure(kDocker, text, std::nullopt);
  REQUIRE(failure);
  CHECK(failure->next_step.find("--sandbox runsc") != std::string::npos);
}

TEST_CASE("other failures, and those of jails without a named runtime, are not about it", "[plan]") {
  CHECK_FALSE(recognise_sandbox_failure(kDocker, "docker: Error response from daemon: No such image: x.\n", kAsked));
  CHECK_FALSE(recognise_sandbox_failure(kDocker, "Unknown runtime specified nosuch", std::nullopt));
  CHECK_FALSE(recognise_sandbox_failure(kPodman, "Error: x: image not known\n", kAsked));
}
