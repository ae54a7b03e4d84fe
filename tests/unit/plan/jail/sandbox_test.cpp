#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Environment;
using jailed::core::Named;
using jailed::test::giving;
using jailed::test::message_of;

namespace {

std::vector<std::string> args_of(EngineKind kind, std::optional<std::string> sandbox) {
  Jail jail;
  jail.sandbox = std::move(sandbox);
  return run_command({kind, "/usr/bin/engine", false}, jail).args;
}

}  // namespace

TEST_CASE("an OCI runtime is docker run's option and podman's own", "[plan]") {
  const auto docker = args_of(EngineKind::docker, "runsc");
  CHECK(std::vector(docker.begin(), docker.begin() + 4) == std::vector<std::string>{"run", "--runtime", "runsc", "--rm"});
  const auto podman = args_of(EngineKind::podman, "crun");
  CHECK(std::vector(podman.begin(), podman.begin() + 4) == std::vector<std::string>{"--runtime", "crun", "run", "--rm"});
  for (const auto& word : args_of(EngineKind::docker, {})) CHECK(word != "--runtime");
}

TEST_CASE("a runtime is named by flag, else by variable, and is a name", "[plan]") {
  const Environment environment({{"HOME", "/h"}, {"JAILED_SANDBOX", "crun"}});
  CHECK(resolve_settings(giving({}), environment).sandbox == Named{"crun", "JAILED_SANDBOX"});
  CHECK(resolve_settings(giving({{"sandbox", "runsc"}}), environment).sandbox == Named{"runsc", "--sandbox"});
  for (const auto* bad : {"--privileged", "-x", "a b", "a\n", "/", "../x", "a\xff"}) {
    CAPTURE(bad);
    CHECK(message_of([&] { resolve_settings(giving({{"sandbox", bad}}), environment); }).find("--sandbox: ") == 0);
  }
}

TEST_CASE("only runtimes that are known to use the host's kernel count as such", "[plan]") {
  CHECK(on_host_kernel(std::nullopt));
  for (const auto* name : {"runc", "crun", "/usr/bin/crun"}) CHECK(on_host_kernel(Named{name, ""}));
  for (const auto* name : {"runsc", "/usr/bin/runsc", "kata", "runc-like", "gvisor"}) CHECK_FALSE(on_host_kernel(Named{name, ""}));
}

TEST_CASE("a kernel of the jail's own gets clone3, and nothing else more", "[plan]") {
  CHECK(seccomp_profile_for(true) == seccomp_profile());
  auto host = nlohmann::json::parse(seccomp_profile_for(true)), own = nlohmann::json::parse(seccomp_profile_for(false));
  CHECK(host.at("defaultAction") == own.at("defaultAction"));
  REQUIRE(host.at("syscalls").size() == own.at("syscalls").size());
  int differences = 0;
  for (std::size_t i = 0; i < host.at("syscalls").size(); ++i) {
    if (host.at("syscalls")[i] == own.at("syscalls")[i]) continue;
    ++differences;
    CHECK(own.at("syscalls")[i] == nlohmann::json{{"names", {"clone3"}}, {"action", "SCMP_ACT_ALLOW"}});
  }
  CHECK(differences == 1);
}
