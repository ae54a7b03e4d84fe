#include <jailed/plan/project/known.hpp>

#include "catch.hpp"

using namespace jailed::plan;

TEST_CASE("a directory is known again under another path", "[plan]") {
  const KnownProject old{"/p/old", 1, 10, 500};
  auto noted = note_project({}, old);
  CHECK(noted.changed);
  CHECK(noted.former.empty());
  CHECK_FALSE(note_project(noted.known, old).changed);
  noted = note_project(noted.known, {"/p/new", 2, 10, 500});
  CHECK(noted.former == std::vector<std::string>{"/p/old"});
  CHECK(noted.known.front().path == "/p/new");
  // Another directory in its place, or the number of one that is gone given anew.
  CHECK(note_project({old}, {"/p/new", 1, 11, 500}).former.empty());
  CHECK(note_project({old}, {"/p/new", 1, 10, 501}).former.empty());
  CHECK(note_project({old}, {"/p/old", 1, 11, 600}).known == std::vector<KnownProject>{{"/p/old", 1, 11, 600}});
}

TEST_CASE("where a file system tells no birth, the device counts", "[plan]") {
  CHECK(is_same_directory({"/a", 1, 10, 0}, {"/b", 1, 10, 5}));
  CHECK_FALSE(is_same_directory({"/a", 1, 10, 0}, {"/b", 2, 10, 0}));
}

TEST_CASE("known projects are bounded, and read as they were written", "[plan]") {
  std::vector<KnownProject> known;
  for (std::uint64_t i = 0; i < 600; ++i) known = note_project(known, {"/p/\xff" + std::to_string(i), 1, i, 1}).known;
  CHECK(known.size() == 500);
  CHECK(known.front().inode == 599);
  CHECK(parse_known_projects(format_known_projects(known)) == known);
  CHECK(parse_known_projects("[[1,2,3,4],[\"relative\",1,2,3],[\"/a\",-1,2,3],{}]").empty());
  CHECK(parse_known_projects("no JSON").empty());
}

TEST_CASE("links out of the projects are said by name, a few of them", "[plan]") {
  const LinkView view{.projects = {"/p/app"}, .home = "/home/me", .options = "", .helps = true};
  CHECK(links_out_line({{"inside", "/p/app/x", true}, {"python", "/usr/bin/python3", false}, {"home", "/home/me", true}, {"keys", "/home/me/.ssh", true}}, view).empty());
  CHECK(links_out_line({{"s", "/p/shared", true}, {"n", "/p/note\n", false}}, view) ==
        "Outside of the project, so not in the jail: s -> /p/shared, n -> /p/note\\012. To have it there: jailed /p/app /p/shared");
  auto named = view;
  named.projects.emplace_back("/p/shared");
  CHECK(links_out_line({{"s", "/p/shared/lib", true}}, named).empty());
  auto far = view;
  far.helps = false;
  CHECK(links_out_line({{"s", "/p/shared", true}}, far) == "Outside of the project, so not in the jail: s -> /p/shared.");
  // What holds the project, or another target, cannot be a project beside it.
  CHECK(links_out_line({{"up", "/p", true}}, view) == "Outside of the project, so not in the jail: up -> /p.");
  CHECK(links_out_line({{"a", "/q/1", true}, {"b", "/q/1/2", true}, {"c", "/q/3", true}, {"d", "/q/4", true}}, view) ==
        "Outside of the project, so not in the jail: a -> /q/1, b -> /q/1/2, c -> /q/3 and 1 more. To have it there: jailed /p/app /q/1 /q/3");
}
