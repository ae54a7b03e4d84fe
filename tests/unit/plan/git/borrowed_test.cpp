#include <functional>
#include <jailed/plan/git/borrowed.hpp>
#include <string>

#include "support.hpp"
#include "catch.hpp"

using namespace jailed::plan;

namespace {

StoreFacts store() {
  return {.path = "/home/me/lib/.git/objects",
          .owner = 1000,
          .named_by = 1000,
          .caller = 1000,
          .in_repository = true,
          .strange = {},
          .home = "/home/me",
          .config_dir = "/home/me/.config/jailed"};
}

std::string reason(const std::function<void(StoreFacts&)>& change) {
  auto facts = store();
  change(facts);
  return why_no_store(facts);
}

}  // namespace

TEST_CASE("a directory of objects has to look like one, be one's own, and hold nothing else", "[plan]") {
  CHECK(why_no_store(store()) == "");
  CHECK(reason([](auto& facts) { facts.path = "/home/me/.ssh"; }) == "that is no repository's directory of objects");
  CHECK(reason([](auto& facts) { facts.in_repository = false; }) == "that is no repository's directory of objects");
  CHECK(reason([](auto& facts) { facts.path = "/home/me/.password-store/.git/objects"; }) == "secrets are kept in /home/me/.password-store");
  CHECK(reason([](auto& facts) { facts.path = "/home/me/.config/jailed/sessions/0/git/objects"; }) == "that is jailed's own");
  CHECK(reason([](auto& facts) { facts.strange = {"id_rsa"}; }) == "there is id_rsa in it, which is not git's");
}

TEST_CASE("whose directory of objects may be borrowed", "[plan]") {
  const auto borrowed = [](uid_t owner, uid_t named_by, uid_t caller) {
    auto facts = store();
    facts.owner = owner;
    facts.named_by = named_by;
    facts.caller = caller;
    return why_no_store(facts).empty();
  };
  CHECK(borrowed(0, 1000, 1000));
  CHECK_FALSE(borrowed(2000, 1000, 1000));
  CHECK(borrowed(2000, 2000, 1000));
  // Called by root: a user's project does not have root's repositories opened for it.
  CHECK(borrowed(1000, 1000, 0));
  CHECK(borrowed(1000, 0, 0));
  CHECK_FALSE(borrowed(0, 1000, 0));
  CHECK_FALSE(borrowed(2000, 1000, 0));
}

TEST_CASE("what git has in a directory of objects", "[plan]") {
  for (const auto* name : {"00", "af", "pack", "info", "tmp_objdir-incoming-x"}) CHECK(is_of_objects(name, true));
  for (const auto* name : {"0", "0g", "AF", "packs", "x", ".ssh"}) CHECK_FALSE(is_of_objects(name, true));
  for (const auto* name : {"maintenance.lock", "tmp_obj_x"}) CHECK(is_of_objects(name, false));
  for (const auto* name : {"pack", "ab", "id_rsa"}) CHECK_FALSE(is_of_objects(name, false));
}

TEST_CASE("only a linked worktree has its common directory elsewhere", "[plan]") {
  CHECK(is_worktree_of("/r/.git/worktrees/a", "/r/.git"));
  CHECK_FALSE(is_worktree_of("/p/g", "/r/.git"));
  CHECK_FALSE(is_worktree_of("/r/.git/worktrees/a/b", "/r/.git"));
  CHECK_FALSE(is_worktree_of("/r/.git/worktrees/", "/r/.git"));
}

TEST_CASE("a path in a repository of its own is no submodule", "[plan]") {
  for (const auto* path : {".git", ".git/x", "a/.GIT/x"}) CHECK(is_in_repository(path));
  for (const auto* path : {"a", "a.git/x", ".github"}) CHECK_FALSE(is_in_repository(path));
}
