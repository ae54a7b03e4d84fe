#include <jailed/host/process/process.hpp>
#include <jailed/plan/jail/user_files.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Environment;

TEST_CASE("the jail is its caller", "[plan]") {
  CHECK(
      jail_identity(
          {.uid = 1001, .gid = 1002, .project_uid = 5, .project_gid = 6, .sudo_uid = "7", .sudo_gid = "8"}) ==
      Identity{1001, 1002});
  CHECK(jail_identity({.uid = 12345, .gid = 12345}) == Identity{12345, 12345});
}

TEST_CASE("a caller in root's group is not in it inside", "[plan]") {
  CHECK(jail_identity({.uid = 1001, .gid = 0}) == Identity{1001, 1001});
}

TEST_CASE("root's jail is the user behind sudo, else the project's owner, else 1000", "[plan]") {
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6, .sudo_uid = "1001", .sudo_gid = "1002"}) ==
        Identity{1001, 1002});
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6, .sudo_uid = "1001", .sudo_gid = ""}) ==
        Identity{1001, 1001});
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6, .sudo_uid = "1001", .sudo_gid = "0"}) ==
        Identity{1001, 1001});
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6}) == Identity{5, 6});
  CHECK(jail_identity({.project_uid = 5, .project_gid = 0}) == Identity{5, 5});
  CHECK(jail_identity({}) == Identity{1000, 1000});
}

TEST_CASE("a sudo that says root, or nothing that is a number, is no answer", "[plan]") {
  const std::string text =
      GENERATE("0", "", "root", "12x", "-1", " 12", "4294967296", "99999999999999999999");
  CAPTURE(text);
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6, .sudo_uid = text, .sudo_gid = "9"}) ==
        Identity{5, 6});
}

TEST_CASE("uid -1 means nobody to the kernel, and is no answer", "[plan]") {
  CHECK(jail_identity({.project_uid = 5, .project_gid = 6, .sudo_uid = "4294967295", .sudo_gid = "9"}) ==
        Identity{5, 6});
}

TEST_CASE("no identity is ever root's", "[plan]") {
  for (const uid_t uid : {0U, 1000U}) {
    for (const gid_t gid : {0U, 1000U}) {
      for (const uid_t project : {0U, 7U}) {
        for (const std::string sudo : {"", "0", "1001"}) {
          const auto identity = jail_identity({.uid = uid,
                                               .gid = gid,
                                               .project_uid = project,
                                               .project_gid = 0,
                                               .sudo_uid = sudo,
                                               .sudo_gid = sudo});
          CHECK(identity.uid != 0);
          CHECK(identity.gid != 0);
        }
      }
    }
  }
}

TEST_CASE("/etc/passwd and /etc/group of a jail", "[plan]") {
  CHECK(passwd_file("coder", {12345, 678}) ==
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        "coder:x:12345:678:coder:/home/coder:/bin/zsh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  CHECK(group_file("coder", {12345, 678}) == "root:x:0:\ncoder:x:678:\ntty:x:5:\nnogroup:x:65534:\n");
}

TEST_CASE("git's identity in a file that git reads back exactly", "[plan]") {
  CHECK(git_config_file({}) == "");
  CHECK(git_config_file({"Ada", "ada@example.org"}) ==
        "[user]\n\tname = \"Ada\"\n\temail = \"ada@example.org\"\n");
  CHECK(git_config_file({"Ada", ""}) == "[user]\n\tname = \"Ada\"\n");
  CHECK(git_config_file({"", "a@b"}) == "[user]\n\temail = \"a@b\"\n");

  const auto git = jailed::host::find_program("git", Environment());
  if (!git) return;
  const jailed::test::Scratch scratch;
  int number = 0;
  for (const std::string name :
       {"Ada Lovelace", "  spaces  ", "quote \" backslash \\ done", "# not; a comment", "two\nlines",
        "tab\there", "[user]\n\temail = forged", "Zo\xc3\xab", "trailing\\"}) {
    const auto file = scratch / std::to_string(number++);
    jailed::host::write_new_file(file, git_config_file({name, "a@b"}), 0644);
    const auto read = [&](const std::string& key) {
      return jailed::host::capture({*git, {"config", "--file", file, "--null", "--get-all", key}, {}}).out;
    };
    CHECK(read("user.name") == name + std::string(1, '\0'));
    CHECK(read("user.email") == std::string("a@b") + '\0');
  }
}

TEST_CASE("of the caller's git comes what needs no program, file or key of the host's", "[plan]") {
  const auto entry = [](std::string key, const std::string& value) { return key + "\n" + value + std::string(1, '\0'); };
  const auto caller = git_caller(entry("user.name", "Ada") + entry("user.email", "old@x") + entry("user.email", "a@b") +
                                 entry("pull.rebase", "merges") + entry("pull.rebase", "true") +
                                 entry("init.defaultbranch", "trunk") + entry("core.editor", "evil") +
                                 entry("alias.x", "!evil") + entry("core.excludesfile", "~/ignore") +
                                 "commit.gpgsign" + std::string(1, '\0'));
  CHECK(caller == GitCaller{"Ada", "a@b", {{"pull.rebase", "true"}, {"init.defaultbranch", "trunk"}}, "~/ignore", true});
  CHECK(git_config_file(caller) ==
        "[user]\n\tname = \"Ada\"\n\temail = \"a@b\"\n[pull]\n\trebase = \"true\"\n[init]\n\tdefaultbranch = \"trunk\"\n");
  CHECK_FALSE(git_caller(entry("commit.gpgsign", "false")).signs);
  CHECK(git_caller("") == GitCaller{});
}

TEST_CASE("where git finds what it ignores everywhere", "[plan]") {
  const Environment host(std::map<std::string, std::string>{{"HOME", "/home/me"}});
  const Environment other(std::map<std::string, std::string>{{"HOME", "/home/me"}, {"XDG_CONFIG_HOME", "/xdg"}});
  const auto file = [](const std::string& named, const Environment& environment) {
    GitCaller caller;
    caller.ignores = named;
    return git_ignore_file(caller, environment);
  };
  CHECK(file("", host) == "/home/me/.config/git/ignore");
  CHECK(file("", other) == "/xdg/git/ignore");
  CHECK(file("~/my", other) == "/home/me/my");
  CHECK(file("/etc/my", host) == "/etc/my");
  CHECK(file("relative", host).empty());
  CHECK(file("", Environment()).empty());
}
