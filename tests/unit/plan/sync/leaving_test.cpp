#include <jailed/plan/sync/leaving.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};

std::vector<std::string> end_of(const core::EngineCall& command) { return {command.args.end() - 3, command.args.end()}; }

}  // namespace

TEST_CASE("a project leaves by a rename in its own volume", "[plan]") {
  const std::vector<std::string> words = {"detach", "/projects/api", "/projects/.jailed-detached-api"};
  for (const auto& command : {detach_begin_command(kDocker, "c", "api"), detach_take_command(kDocker, "c", "api"), detach_undo_command(kDocker, "c", "api")}) {
    CHECK(end_of(command) == words);
    CHECK(std::vector<std::string>(command.args.begin(), command.args.begin() + 4) == std::vector<std::string>{"exec", "--workdir", "/", "c"});
  }
  CHECK(end_of(detach_remove_command(kDocker, "c", "-rf")) == std::vector<std::string>{"-rf", "--", "/projects/.jailed-detached--rf"});
}

TEST_CASE("what keeps a project in the jail is said, whatever the jail answers", "[plan]") {
  CHECK(detach_obstacle("process 12 my tool\nchanged /x\n") == "process 12 (my tool) works in it");
  CHECK(detach_obstacle("changed /a/b\x1b.txt\n") == "a/b\\033.txt was written while it was to leave");
  CHECK(detach_obstacle("process 12") == "process 12 () works in it");
  for (const auto* said : {"", "changed \n", "changed /.\n", "changed", "nonsense"})
    CHECK(detach_obstacle(said) == "something in it was written while it was to leave");
}
