#include <jailed/plan/git/config.hpp>

#include "catch.hpp"

using jailed::plan::format_git_config;
using jailed::plan::GitSetting;
using jailed::plan::inert_settings;
using jailed::plan::parse_git_config;
using jailed::plan::without_credentials;

TEST_CASE("a git config is read as git reads it", "[plan]") {
  const auto settings = parse_git_config(
      "# comment\n"
      "[core]\n"
      "\tbare = false ; comment\n"
      "\tFileMode\n"
      "[remote \"a b\\\"c\"] url = \" x;y \"  # comment\n"
      "[branch.Main]\n"
      "\tmerge = refs/heads/\\\nmain\n"
      "[user]name=A\\tB \\\"q\\\" \r\n");
  CHECK(settings == std::vector<GitSetting>{{"core", "", "bare", "false"},
                                            {"core", "", "filemode", "true"},
                                            {"remote", "a b\"c", "url", " x;y "},
                                            {"branch", "main", "merge", "refs/heads/main"},
                                            {"user", "", "name", "A\tB \"q\""}});
  CHECK(parse_git_config(format_git_config(settings)) == settings);
}

TEST_CASE("what follows a dot in a section's name is the subsection's, as in git", "[plan]") {
  const auto settings = parse_git_config("[core.x \"\"]\npath = a\n[core.X \"Y\"]\npath = b\n");
  CHECK(settings == std::vector<GitSetting>{{"core", "x.", "path", "a"}, {"core", "x.Y", "path", "b"}});
  CHECK(parse_git_config(format_git_config(settings)) == settings);
}

TEST_CASE("a damaged git config gives less, never something else", "[plan]") {
  const std::vector<GitSetting> first = {{"core", "", "bare", "false"}};
  for (const auto* rest :
       {"[remote \"x\nurl = y\n", "= x\n", "[a\nb = c", "[user]\nname = \"open\n", "[x] a = \\q\n"}) {
    CHECK(parse_git_config(std::string("[core]\nbare = false\n") + rest) == first);
  }
  CHECK(parse_git_config("").empty());
  CHECK(parse_git_config("name = value\n").empty());
}

TEST_CASE("credentials leave URLs", "[plan]") {
  CHECK(without_credentials("https://user:secret@host/x.git") == "https://host/x.git");
  CHECK(without_credentials("https://token@host:8443/x.git") == "https://host:8443/x.git");
  CHECK(without_credentials("HTTPS://a@b@host/x?private_token=1") == "HTTPS://host/x");
  CHECK(without_credentials("ssh://git@host/x.git") == "ssh://git@host/x.git");
  CHECK(without_credentials("ssh://git:secret@host/x.git") == "ssh://git@host/x.git");
  CHECK(without_credentials("git@host:x.git") == "git@host:x.git");
  CHECK(without_credentials("/srv/a@b/x.git") == "/srv/a@b/x.git");
  CHECK(without_credentials("https://host/a@b") == "https://host/a@b");
}

TEST_CASE("only inert settings come along", "[plan]") {
  const auto kept = inert_settings(parse_git_config(
      "[core]\nfilemode = true\nfsmonitor = /bin/x\nhooksPath = .husky\nsshCommand = x\npager = x\nworktree "
      "= /x\n"
      "[include]\npath = /home/me/secret\n[includeIf \"gitdir:/x\"]\npath = y\n"
      "[credential]\nhelper = store\n[credential \"https://h\"]\nusername = me\n"
      "[http]\nextraheader = AUTHORIZATION: basic x\n[http \"https://h/\"]\nextraheader = x\ncookieFile = x\n"
      "[filter \"x\"]\nclean = run\n[diff \"x\"]\ntextconv = run\n[merge \"x\"]\ndriver = run\n"
      "[alias]\nst = !run\n[gpg]\nprogram = x\n[commit]\ngpgsign = true\n[user]\nname = N\nsigningkey = K\n"
      "[remote \"o\"]\nurl = https://t@h/x\nuploadpack = run\nproxy = http://u:p@h\nvcs = x\nurl = ext::sh "
      "-c x\n"
      "[url \"https://t:s@h/\"]\ninsteadOf = gh:\n[submodule \"s\"]\nupdate = !run\nurl = https://t@h/s\n"));
  CHECK(kept == std::vector<GitSetting>{{"core", "", "filemode", "true"},
                                        {"user", "", "name", "N"},
                                        {"remote", "o", "url", "https://h/x"},
                                        {"url", "https://h/", "insteadof", "gh:"},
                                        {"submodule", "s", "url", "https://h/s"}});
}
