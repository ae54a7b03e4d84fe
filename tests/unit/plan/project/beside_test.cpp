#include <jailed/plan/project/beside.hpp>

#include "support.hpp"
#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::Error;
using jailed::test::error_of;

TEST_CASE("a project within a running jail's is refused, one around or beside it is not", "[plan]") {
  const std::vector<RunningBeside> running = {{"jailed-p-0123", {"/w/p", "/w/lib"}}};
  const Error expected(
      "Will not put /w/lib/sub into a jail: it lies in /w/lib, which is in the jail jailed-p-0123, and what works there could put "
      "something else in its place.",
      "work in that one: jailed shell jailed-p-0123\nor end it first: jailed stop jailed-p-0123");
  CHECK(error_of([&] { check_beside({"/w/lib/sub", false, {}}, running); }) == expected);
  for (const auto* project : {"/w", "/w/p2", "/w/p", "/x"})
    CHECK(error_of([&] { check_beside({project, false, {}}, running); }) == std::nullopt);
}

TEST_CASE("the same project twice is refused only when parts of it are mounted by their paths", "[plan]") {
  const std::vector<RunningBeside> running = {{"jailed-p-0123", {"/w/p"}}};
  CHECK(error_of([&] { check_beside({"/w/p", false, {}}, running); }) == std::nullopt);
  CHECK(error_of([&] { check_beside({"/w/p", true, {}}, running); }) != std::nullopt);
  CHECK(error_of([&] { check_beside({"/w/p", true, {}}, {}); }) == std::nullopt);
}

TEST_CASE("around a project that Mutagen finds by its path no other jail begins", "[plan]") {
  const std::vector<RunningBeside> running = {{"jailed-p-0123", {"/w/p"}, true}};
  const Error expected(
      "Will not put /w into a jail: Mutagen keeps /w/p in step with the jail jailed-p-0123, and what works there could put something else in its place.",
      "work in that one: jailed shell jailed-p-0123\nor end it first: jailed stop jailed-p-0123");
  CHECK(error_of([&] { check_beside({"/w", false, {}}, running); }) == expected);
  for (const auto* project : {"/w/p", "/w/p2", "/x"}) CHECK(error_of([&] { check_beside({project, false, {}}, running); }) == std::nullopt);
}

TEST_CASE("objects that lie in what a running jail can change are not mounted, but for those in its own .git", "[plan]") {
  const std::vector<RunningBeside> around = {{"jailed-code-0123", {"/code"}}};
  const LaunchedBeside worktree = {"/wt", false, {"/code/main/.git/objects"}};
  const Error expected(
      "Will not put /wt into a jail: its repository has objects in /code/main/.git/objects, which lies in /code, which is in the jail "
      "jailed-code-0123, and what works there could put something else in its place.",
      "work in that one: jailed shell jailed-code-0123\nor end it first: jailed stop jailed-code-0123");
  CHECK(error_of([&] { check_beside(worktree, around); }) == expected);
  CHECK(error_of([&] { check_beside(worktree, {{"jailed-main-0123", {"/code/main"}}}); }) == std::nullopt);
  CHECK(error_of([&] { check_beside(worktree, {{"jailed-x-0123", {"/code/other", "/wt2"}}}); }) == std::nullopt);
  // --git rw
  CHECK(error_of([&] { check_beside(worktree, {{"jailed-main-0123", {"/code/main"}, false, false, {}, false}}); }) != std::nullopt);
}

TEST_CASE("a jail waits for one within its project that is not up yet, and for no other", "[plan]") {
  const std::vector<RunningBeside> starting = {{"jailed-p-0123", {"/w/lib", "/w/p/sub"}, false, true}};
  CHECK(must_wait("/w", starting));
  CHECK(must_wait("/w/p", starting));
  for (const auto* project : {"/w/lib", "/w/p/sub", "/w/p/sub/deep", "/x"}) CHECK_FALSE(must_wait(project, starting));
  CHECK_FALSE(must_wait("/w", {{"jailed-p-0123", {"/w/lib"}}}));
  // Or for one that has something in it mounted.
  const std::vector<RunningBeside> worktree = {{"jailed-wt-0123", {"/wt"}, false, true, {"/code/main/.git/objects"}}};
  CHECK(must_wait("/code", worktree));
  CHECK_FALSE(must_wait("/other", worktree));
}
