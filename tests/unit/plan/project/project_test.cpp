#include <sys/stat.h>

#include <jailed/plan/project/project.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Error;
using jailed::core::UsageError;
using jailed::test::error_of;

namespace {

constexpr auto kChoose = "name a project directory: jailed path/to/project";

ProjectFacts good_project() {
  return {.given = "app",
          .path = "/home/me/app",
          .problem = {},
          .is_directory = true,
          .readable = true,
          .home = "/home/me",
          .config_dir = "/home/me/.config/jailed"};
}

ProjectFacts project_at(const std::string& path) {
  auto facts = good_project();
  facts.path = path;
  return facts;
}

std::optional<Error> refusal(const ProjectFacts& facts) {
  return error_of([&] { check_project(facts); });
}

ConfigDirFacts good_config() {
  return {.path = "/c",
          .exists = true,
          .is_directory = true,
          .owner = 1001,
          .mode = S_IFDIR | 0700,
          .caller = 1001};
}

std::optional<Error> refusal(const ConfigDirFacts& facts) {
  return error_of([&] { check_config_dir(facts); });
}

}  // namespace

TEST_CASE("whether a path lies within another", "[plan]") {
  CHECK(is_within("/a", "/a"));
  CHECK(is_within("/a/b/c", "/a"));
  CHECK(is_within("/a", "/"));
  CHECK(is_within("/", "/"));
  CHECK_FALSE(is_within("/ab", "/a"));
  CHECK_FALSE(is_within("/a", "/a/b"));
  CHECK_FALSE(is_within("/", "/a"));
}

TEST_CASE("a directory of one's own may become a workspace", "[plan]") {
  const std::string path =
      GENERATE("/home/me/app", "/home/me/.config/jailed2", "/home/me/.config/other", "/srv/app", "/home/you",
               "/home/m", "/home/meow", "/home/me/a b,c\"d'e=f:g\nh", "/home/me/caf\xc3\xa9", "/home/me/-x");
  CAPTURE(path);
  CHECK(refusal(project_at(path)) == std::nullopt);
  auto homeless = project_at(path);
  homeless.home.clear();
  CHECK(refusal(homeless) == std::nullopt);
}

TEST_CASE("a path that is missing, a file or unreadable", "[plan]") {
  auto facts = good_project();
  facts.path.clear();
  facts.problem = "No such file or directory";
  CHECK(refusal(facts) == UsageError("Cannot open 'app': No such file or directory.", kChoose));

  facts = good_project();
  facts.is_directory = facts.readable = false;
  CHECK(refusal(facts) == UsageError("'app' is not a directory.", kChoose));

  facts = good_project();
  facts.readable = false;
  CHECK(refusal(facts) == UsageError("'app' is not readable for you.",
                                     "chmod u+rwx it, or name a project directory: jailed path/to/project"));
}

TEST_CASE("the whole machine, the home and what holds it stay outside", "[plan]") {
  CHECK(refusal(project_at("/")) ==
        UsageError("Will not put '/' into a jail: it is the whole machine.", kChoose));
  CHECK(refusal(project_at("/home/me")) ==
        UsageError("Will not put '/home/me' into a jail: it is your home directory, with keys and logins.",
                   kChoose));
  CHECK(refusal(project_at("/home")) ==
        UsageError("Will not put '/home' into a jail: it holds your home directory, with keys and logins.",
                   kChoose));
}

TEST_CASE("jailed's own configuration, what holds it and what is in it stay outside", "[plan]") {
  for (const std::string path :
       {"/home/me/.config", "/home/me/.config/jailed", "/home/me/.config/jailed/agents/claude"}) {
    CHECK(refusal(project_at(path)) ==
          UsageError("Will not put '" + path +
                         "' into a jail: jailed's own configuration, with every agent's login, is in "
                         "/home/me/.config/jailed.",
                     kChoose));
  }
}

TEST_CASE("a name that no engine can take is refused with the reason", "[plan]") {
  constexpr auto kRename = "rename the directory, or reach it by a bind mount with another name";
  CHECK(refusal(project_at("/srv/caf\xe9")) ==
        UsageError(
            "Cannot mount '/srv/caf\\351': its name has a byte that is not UTF-8, which container engines "
            "cannot take.",
            kRename));
  CHECK(
      refusal(project_at("/srv/a\rb")) ==
      UsageError(
          "Cannot mount '/srv/a\\015b': its name has a carriage return, which container engines cannot take.",
          kRename));
}

TEST_CASE("a refusal never prints what a terminal would obey", "[plan]") {
  auto facts = good_project();
  facts.given = "\x1b[2J";
  facts.is_directory = false;
  CHECK(refusal(facts) == UsageError("'\\033[2J' is not a directory.", kChoose));
}

TEST_CASE("a configuration directory that is ours, or not there yet", "[plan]") {
  CHECK(refusal(good_config()) == std::nullopt);
  CHECK(refusal(ConfigDirFacts{.path = "/c", .caller = 1001}) == std::nullopt);
  auto facts = good_config();
  facts.mode = S_IFDIR | 0755;
  CHECK(refusal(facts) == std::nullopt);
}

TEST_CASE("a configuration directory that cannot be trusted with logins", "[plan]") {
  auto facts = good_config();
  facts.is_directory = false;
  CHECK(refusal(facts) == Error("The configuration directory /c is not a directory.",
                                "move it away, or choose another: JAILED_CONFIG_DIR=DIR"));
  facts = good_config();
  facts.is_directory = false;
  facts.is_symlink = true;
  facts.path = "/c d";
  CHECK(refusal(facts) == Error("The configuration directory /c d is a symbolic link.",
                                "name the directory itself: JAILED_CONFIG_DIR=\"$(readlink -f '/c d')\""));
  facts = good_config();
  facts.owner = 0;
  CHECK(refusal(facts) == Error("The configuration directory /c belongs to uid 0, not to you (uid 1001).",
                                "take it over with chown, or choose another: JAILED_CONFIG_DIR=DIR"));
  facts = good_config();
  facts.path = "/c\xe9";
  CHECK(refusal(facts) ==
        UsageError("Cannot use the configuration directory /c\\351: its name has a byte that is not UTF-8.",
                   "choose another: JAILED_CONFIG_DIR=DIR"));
}

TEST_CASE("others must not write in the configuration directory", "[plan]") {
  for (const auto& [mode, shown] :
       {std::pair{0720U, "0720"}, {0702U, "0702"}, {0777U, "0777"}, {01777U, "1777"}}) {
    auto facts = good_config();
    facts.mode = S_IFDIR | mode;
    CHECK(refusal(facts) ==
          Error(std::string("The configuration directory /c is writable by others (mode ") + shown + ").",
                "chmod go-w /c, or choose another: JAILED_CONFIG_DIR=DIR"));
  }
}

TEST_CASE("what belongs to the system is refused, what may be a project inside it is not", "[plan]") {
  for (const auto* path :
       {"/etc", "/etc/nginx", "/usr", "/usr/bin", "/usr/lib/python3", "/var", "/var/lib/docker", "/home",
        "/tmp", "/run", "/run/user", "/dev/shm", "/proc/1", "/Users", "/Library/Fonts"}) {
    CAPTURE(path);
    CHECK(jailed::plan::is_system_directory(path));
  }
  for (const auto* path :
       {"/srv/app", "/opt/app", "/usr/src/app", "/usr/local/src/app", "/var/www/site", "/tmp/x",
        "/home/me/app", "/run/user/1000/x", "/etcetera", "/Users/me/app", "/workspaces/app"}) {
    CAPTURE(path);
    CHECK_FALSE(jailed::plan::is_system_directory(path));
  }
  CHECK(refusal(project_at("/etc/nginx")) ==
        UsageError("Will not put '/etc/nginx' into a jail: it belongs to the system, not to a project.",
                   std::string(kChoose) + "\nor, if you mean it: --allow system-directory"));
}

TEST_CASE("a place where secrets are kept is refused, inside and around", "[plan]") {
  using jailed::plan::secret_store_at;
  CHECK(secret_store_at("/home/me/.ssh", "/home/me") == "/home/me/.ssh");
  CHECK(secret_store_at("/home/me/.gnupg/private-keys-v1.d", "/home/me") == "/home/me/.gnupg");
  CHECK(secret_store_at("/home/me/.local/share", "/home/me") == "/home/me/.local/share/keyrings");
  CHECK(secret_store_at("/home/me/.sshfs", "/home/me").empty());
  CHECK(secret_store_at("/home/you/.ssh", "/home/me").empty());
  CHECK(secret_store_at("/home/me/.ssh", "").empty());
  CHECK(refusal(project_at("/home/me/.aws")) ==
        UsageError("Will not put '/home/me/.aws' into a jail: secrets are kept in /home/me/.aws.",
                   std::string(kChoose) + "\nor, if you mean it: --allow secret-store"));
}

TEST_CASE("another user's directory is refused, but not to root, who runs it as its owner", "[plan]") {
  auto facts = good_project();
  facts.owner = 1002;
  facts.caller = 1001;
  CHECK(refusal(facts) ==
        UsageError("Will not put '/home/me/app' into a jail: it belongs to uid 1002, not to you (uid 1001).",
                   std::string(kChoose) + "\nor, if you mean it: --allow foreign-project"));
  facts.caller = 0;
  CHECK(refusal(facts) == std::nullopt);
}

TEST_CASE("a symbolic link that somebody else put in the way is refused", "[plan]") {
  auto facts = good_project();
  facts.foreign_symlink = "/tmp/link";
  CHECK(refusal(facts) == UsageError("Will not put '/home/me/app' into a jail: the way there goes through "
                                     "/tmp/link, a symbolic link of somebody "
                                     "else's.",
                                     std::string(kChoose) + "\nor, if you mean it: --allow symlink"));
  auto config = good_config();
  config.foreign_symlink = "/tmp/link";
  CHECK(refusal(config).has_value());
}

TEST_CASE("each waiver lifts its own refusal and no other", "[plan]") {
  using jailed::core::Waiver;
  auto facts = project_at("/etc/app");
  facts.owner = 1002;
  facts.caller = 1001;
  facts.foreign_symlink = "/tmp/link";
  const auto refused = [&](const std::set<Waiver>& allow) {
    return error_of([&] { check_project(facts, allow); }).has_value();
  };
  CHECK(refused({}));
  CHECK(refused({Waiver::system_directory}));
  CHECK(refused({Waiver::foreign_project, Waiver::symlink}));
  CHECK_FALSE(refused({Waiver::system_directory, Waiver::foreign_project, Waiver::symlink}));
  facts.path = "/";
  CHECK(refused({Waiver::system_directory, Waiver::foreign_project, Waiver::symlink, Waiver::secret_store}));
}

TEST_CASE("a directory of the configuration is one's own directory, and a secret one is closed", "[plan]") {
  const auto refused = [](const ConfigDirFacts& facts, bool secret) {
    return error_of([&] { check_config_entry(facts, secret); }).has_value();
  };
  auto facts = good_config();
  CHECK_FALSE(refused(facts, true));
  facts.mode = S_IFDIR | 0755;
  CHECK(refused(facts, true));
  CHECK_FALSE(refused(facts, false));
  facts = good_config();
  facts.owner = 0;
  CHECK(refused(facts, false));
  facts = good_config();
  facts.is_symlink = true;
  facts.is_directory = false;
  CHECK(refused(facts, false));
  facts.exists = false;
  CHECK_FALSE(refused(facts, true));
}
