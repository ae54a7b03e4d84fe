#include <jailed/plan/jail/layout.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

core::Settings some_settings() {
  core::Settings settings;
  settings.user = "coder";
  return settings;
}

LayoutFacts some_layout_facts() {
  return {.id = "0123456789ab",
          .config = "/c",
          .project = "/home/me/app",
          .projects = {{"", "/home/me/app"}, {"lib", "/srv/lib"}},
          .root_mounts = {},
          .can_lease = true};
}

const JailPlace kFirst{.workspace = "/home/me/app", .git = "/jail", .alias = "/workspace"};
const JailPlace kFurther{.workspace = "/srv/lib", .git = "/jail/projects/lib", .alias = "/projects/lib"};

}  // namespace

TEST_CASE("a user's session is reached by its own paths", "[plan]") {
  const Layout expected{.id = "0123456789ab",
                        .sessions = "/c/sessions",
                        .session = "/c/sessions/0123456789ab",
                        .config = "/c",
                        .view = "/c/sessions/0123456789ab",
                        .state = {.agents = "/c/agents", .cache = "/c/cache"},
                        .projects = {{"/home/me/app", "", "/home/me/app", "/c/sessions/0123456789ab", kFirst},
                                     {"/srv/lib", "lib", "/srv/lib", "/c/sessions/0123456789ab/projects/lib", kFurther}},
                        .lease = "/c/sessions/0123456789ab/lease"};
  CHECK(layout_of(some_layout_facts(), some_settings()) == expected);
  CHECK(expected.file("passwd") == "/c/sessions/0123456789ab/passwd");
}

TEST_CASE("root's session is what the jail's user sees by root's mounts, and jailed by its own paths", "[plan]") {
  auto facts = some_layout_facts();
  facts.root_mounts = "/run/jailed/0123456789ab";
  const Layout expected{.id = "0123456789ab",
                        .sessions = "/c/sessions",
                        .session = "/c/sessions/0123456789ab",
                        .config = "/run/jailed/0123456789ab/config",
                        .view = "/run/jailed/0123456789ab/config/sessions/0123456789ab",
                        .state = {.agents = "/run/jailed/0123456789ab/config/agents", .cache = "/run/jailed/0123456789ab/config/cache"},
                        .projects = {{"/home/me/app", "", "/run/jailed/0123456789ab/workspace",
                                      "/run/jailed/0123456789ab/config/sessions/0123456789ab", kFirst},
                                     {"/srv/lib", "lib", "/run/jailed/0123456789ab/project-lib",
                                      "/run/jailed/0123456789ab/config/sessions/0123456789ab/projects/lib", kFurther}},
                        .lease = "/c/sessions/0123456789ab/lease"};
  CHECK(layout_of(facts, some_settings()) == expected);
}

TEST_CASE("an engine of another machine sees no mount of root's and no lease", "[plan]") {
  auto facts = some_layout_facts();
  facts.reach = kAnotherMachine;
  auto of_user = layout_of(facts, some_settings());
  facts.root_mounts = "/run/jailed/0123456789ab";
  CHECK(layout_of(facts, some_settings()) == of_user);
  CHECK_FALSE(of_user.lease);
  CHECK(of_user.projects.front().workspace == "/home/me/app");
}

TEST_CASE("there is no lease where the machine has none, and none under a kernel of its own", "[plan]") {
  auto facts = some_layout_facts();
  auto settings = some_settings();
  settings.sandbox = core::Named{"runsc", {}};
  CHECK_FALSE(layout_of(facts, settings).lease);
  facts.can_lease = false;
  CHECK_FALSE(layout_of(facts, some_settings()).lease);
}

TEST_CASE("what Mutagen brings in beside the first project is in its volume only", "[plan]") {
  auto facts = some_layout_facts();
  facts.synced = true;
  const auto layout = layout_of(facts, some_settings());
  CHECK(layout.projects.front().place == kFirst);
  CHECK(layout.projects.back().place == JailPlace{.workspace = "/projects/lib", .git = "/jail/projects/lib", .alias = {}});
}

TEST_CASE("parts of a session", "[plan]") {
  CHECK(part_below("").empty());
  CHECK(part_below("lib") == "/projects/lib");
}
