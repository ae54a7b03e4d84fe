#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/plan/project/projects.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::UsageError;
using jailed::core::Waiver;
using jailed::test::error_of;

namespace {

std::vector<std::string> names(const std::vector<std::string>& paths, const std::vector<std::string>& taken = {}) {
  std::vector<std::string> found;
  for (const auto& project : name_projects(paths, taken)) found.push_back(project.name);
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("further projects are called as their directories", "[plan]") {
  CHECK(name_projects({"/p/api"}) == std::vector<NamedProject>{{"api", "/p/api"}});
  CHECK(names({"/p/a b", "/p/$x,y\n", "/p/.git"}) == Names{"a-b", "-x-y-", ".git"});
}

TEST_CASE("of one name, the parent's stands before it, and a number where that is not enough", "[plan]") {
  CHECK(names({"/one/api", "/two/api", "/two/web"}) == Names{"one-api", "two-api", "web"});
  CHECK(names({"/x/one/api", "/y/one/api"}) == Names{"one-api", "one-api-2"});
  CHECK(names({"/one/api", "/two/api", "/p/one-api", "/q/one-api"}) == Names{"one-api", "two-api", "p-one-api", "q-one-api"});
  CHECK(names({"/one-api", "/one/api", "/two/api"}) == Names{"one-api", "one-api-2", "two-api"});
  CHECK(names({"/api", "/two/api"}) == Names{"api", "two-api"});
  CHECK(names({"/p/api"}, {"api"}) == Names{"p-api"});
  CHECK(names({"/p/api"}, {"api", "p-api"}) == Names{"p-api-2"});
  const std::string prefix(60, 'a');
  CHECK(names({"/p/" + prefix + "1", "/p/" + prefix + "2"}).back().ends_with("-2"));
}

TEST_CASE("a further project has its places", "[plan]") {
  CHECK(place_of("api") == JailPlace{"/projects/api", "/jail/projects/api"});
  CHECK(JailPlace{} == JailPlace{"/workspace", "/jail"});
}

TEST_CASE("a project is at its own path, and where it is in every jail", "[plan]") {
  for (const auto* path : {"/home/me/app", "/home/coder2/app", "/tmp/x", "/var/tmp/x", "/var/home/me/app", "/root/x", "/srv/a", "/Users/me/a",
                           "/mnt/a", "/workspaces/app", "/optional/x", "/home/me/a,b \"c\"=d:e\nf"}) {
    INFO(path);
    CHECK(place_for(path, "coder", "") == JailPlace{path, "/jail", "/workspace"});
    CHECK(place_for(path, "coder", "api") == JailPlace{path, "/jail/projects/api", "/projects/api"});
  }
}

TEST_CASE("a project whose path is the jail's own has one that no other project has", "[plan]") {
  std::vector<std::string> places;
  for (const auto* path : {"/home/coder", "/home/coder/app", "/home/coder/x/app", "/home", "/", "/tmp", "/var/tmp", "/var", "/root", "/workspace",
                           "/workspace/app", "/projects/app", "/jail/app", "/usr/src/app", "/opt/app", "/var/lib/jenkins/app", "/etc/app", "/run/media/me/app"}) {
    INFO(path);
    const auto place = place_for(path, "coder", "");
    CHECK(place.workspace.starts_with("/workspaces/"));
    CHECK(place.alias == "/workspace");
    CHECK(place_for(path, "coder", "") == place);
    places.push_back(place.workspace);
  }
  std::sort(places.begin(), places.end());
  CHECK(std::unique(places.begin(), places.end()) == places.end());
  CHECK(place_for("/home/coder/app", "me", "").workspace == "/home/coder/app");
}

TEST_CASE("what is mounted in a project is mounted in it at all its places", "[plan]") {
  const std::vector<JailPlace> places = {place_for("/home/me/app", "coder", ""), place_for("/home/me/app2", "coder", "app2"), place_of("synced")};
  const std::vector<BindMount> binds = {{"/w", "/home/me/app", false},         {"/s/git", "/home/me/app/.git", false}, {"/s/empty", "/home/me/app/.bare", true},
                                        {"/w2", "/home/me/app2", false},       {"/s/0", "/home/me/app2/.envrc", true}, {"/o", "/jail/objects", true},
                                        {"/w3", "/projects/synced/x", false}};
  auto expected = binds;
  for (const auto& twin : std::vector<BindMount>{{"/w", "/workspace", false}, {"/s/git", "/workspace/.git", false}, {"/s/empty", "/workspace/.bare", true},
                                                 {"/w2", "/projects/app2", false}, {"/s/0", "/projects/app2/.envrc", true}})
    expected.push_back(twin);
  CHECK(at_all_places(binds, places) == expected);
  CHECK(at_all_places(binds, {JailPlace{}}) == binds);
}

TEST_CASE("the same project twice, or one inside another, is refused", "[plan]") {
  const auto refusal = [](const std::vector<SharedProject>& projects) {
    return error_of([&] { check_several(projects, {7, 7}, false, {}); });
  };
  CHECK_FALSE(refusal({{"/p/a", 7, 1, 1}, {"/p/ab", 7, 1, 2}, {"/q", 7, 1, 3}}));
  CHECK(refusal({{"/p/a", 7, 1, 1}, {"/q", 7, 1, 2}, {"/p/a", 7, 1, 1}}) == UsageError("'/p/a' is named twice.", "name each project once"));
  CHECK(refusal({{"/p/a", 7, 1, 1}, {"/mnt/a", 7, 1, 1}}) == UsageError("'/mnt/a' is named twice.", "name each project once"));
  for (const bool first : {true, false}) {
    const SharedProject outer{"/p", 7, 1, 1};
    const SharedProject inner{"/p/a\n", 7, 1, 2};
    CHECK(refusal(first ? std::vector{outer, inner} : std::vector{inner, outer}) ==
          UsageError("'/p/a\\012' is inside '/p'.", "name only the outer one, or projects that are apart"));
  }
}

TEST_CASE("what the jail's user could not use is refused to root", "[plan]") {
  const auto refusal = [](uid_t owner, bool root, const std::set<Waiver>& allow = {}) {
    return error_of([&] { check_several({{"/a", 7, 1, 1}, {"/b c", owner, 1, 2}}, {7, 7}, root, allow); });
  };
  CHECK(refusal(8, true) == UsageError("'/b c' belongs to uid 8, but in this jail everything is done as uid 7, for '/a'.",
                                       "give it a jail of its own: jailed '/b c'\nor, if you mean it: --allow foreign-project"));
  CHECK_FALSE(refusal(8, true, {Waiver::foreign_project}));
  CHECK_FALSE(refusal(7, true));
  CHECK_FALSE(refusal(0, true));   // reaches it by an idmapped mount
  CHECK_FALSE(refusal(8, false));  // was refused, or allowed, before
}

TEST_CASE("the label says of any paths what they are", "[plan]") {
  const std::vector<NamedProject> projects = {{"api", "/p/\"a\",\n="}, {"-", "/\xC3\xBC"}};
  CHECK(parse_projects(projects_label(projects)) == projects);
  CHECK(projects_label(projects) == "api:/p/%22a%22%2C%0A%3D -:/%C3%BC");
  for (const auto* text : {"", " ", "words", ":/p", "  a "}) CHECK(parse_projects(text).empty());
  CHECK(parse_projects("a:/p%2 b:/%zz:") == std::vector<NamedProject>{{"a", "/p%2"}, {"b", "/%zz:"}});
}
