#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/jail/jail.hpp>

#include <algorithm>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::Named;
using jailed::core::Settings;
using jailed::core::Testcontainers;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};
const Engine kPodman{EngineKind::podman, "podman", false};
const Engine kRootless{EngineKind::podman, "podman", true};

std::string network_of(const Engine& engine, bool isolated, bool network = true) {
  Jail jail;
  jail.isolated = isolated;
  jail.network = network;
  const auto args = run_command(engine, jail).args;
  const auto at = std::find(args.begin(), args.end(), "--network");
  return at == args.end() ? "" : *(at + 1);
}

}  // namespace

TEST_CASE("a jail is where no other container reaches it", "[plan]") {
  CHECK(network_of(kDocker, true) == "jailed-isolated");
  CHECK(network_of(kPodman, true) == "slirp4netns");
  CHECK(network_of(kRootless, true).empty());
  CHECK(network_of(kDocker, false).empty());
  CHECK(network_of(kDocker, true, false) == "none");
}

TEST_CASE("Testcontainers and kernels of their own stay on the engine's network", "[plan]") {
  Settings settings;
  CHECK(can_be_isolated(settings));
  settings.sandbox = Named{"runsc", "--sandbox"};
  CHECK_FALSE(can_be_isolated(settings));
  settings.sandbox = Named{"crun", "--sandbox"};
  CHECK(can_be_isolated(settings));
  settings.testcontainers = Testcontainers::proxy;
  CHECK_FALSE(can_be_isolated(settings));
  settings = {};
  settings.isolated = false;
  CHECK_FALSE(can_be_isolated(settings));
}

TEST_CASE("the engines' words for a network that is not there", "[plan]") {
  CHECK(lacks_isolated_network(kDocker, "docker: Error response from daemon: network jailed-isolated not found.\n"));
  CHECK_FALSE(lacks_isolated_network(kDocker, "docker: Error response from daemon: No such image: jailed:latest.\n"));
  CHECK(lacks_isolated_network(kPodman, "Error: could not find slirp4netns, the network namespace can't be configured\n"));
  CHECK_FALSE(lacks_isolated_network(kRootless, "Error: could not find slirp4netns\n"));
  CHECK(create_isolated_network_command(kDocker)->args.back() == "jailed-isolated");
}
