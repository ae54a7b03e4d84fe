#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <jailed/engine/find.hpp>
#include <jailed/host/process/process.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed;
using jailed::test::Scratch;

TEST_CASE("an engine is found without a change to this process, and then used with what its clients must know", "[engine]") {
  const Scratch scratch;
  host::write_new_file(scratch / "docker", "#!/bin/sh\nexit 1\n", 0755);
  host::make_private_directories(scratch / "home/.docker/contexts/meta/1");
  host::write_new_file(scratch / "home/.docker/config.json", R"({"currentContext": "far"})", 0600);
  host::write_new_file(scratch / "home/.docker/contexts/meta/1/meta.json",
                       R"({"Name": "far", "Endpoints": {"docker": {"Host": "ssh://me@far"}}})", 0600);
  const core::Environment environment(std::map<std::string, std::string>{{"PATH", scratch.path()}, {"HOME", scratch / "home"}});
  const auto before = host::environment_snapshot().get("DOCKER_CONTEXT");
  const auto found = engine::find_engine({}, environment);
  CHECK(found.program == scratch / "docker");
  CHECK(found.reach == plan::kAnotherMachine);
  REQUIRE(found.client_env.size() == 1);
  CHECK(found.client_env.front().name == "DOCKER_CONTEXT");
  CHECK(found.client_env.front().value == "far");
  CHECK(host::environment_snapshot().get("DOCKER_CONTEXT") == before);
  CHECK(engine::use_engine({}, environment) == found);
  CHECK(host::environment_snapshot().get("DOCKER_CONTEXT") == "far");
  before ? ::setenv("DOCKER_CONTEXT", before->c_str(), 1) : ::unsetenv("DOCKER_CONTEXT");
}
