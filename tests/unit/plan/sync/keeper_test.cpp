#include <algorithm>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <jailed/plan/sync/volume.hpp>

#include "catch.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", false};
const Mutagen kMutagen{"/usr/bin/mutagen", {{"MUTAGEN_DATA_DIRECTORY", "/d"}}};

Jail some_jail() {
  Jail jail;
  jail.id = "0123456789ab";
  jail.project = "/home/me/my app";
  jail.owner = 7;
  jail.image = "jailed:latest";
  jail.user = "coder";
  jail.identity = {7, 8};
  jail.limits = {.memory = 1 << 30, .pids = 99, .cpus = {}, .tmpfs_scale = 1 << 30};
  jail.binds = {{"/s/passwd", "/etc/passwd", true}, {"/home/me/my app", "/workspace", false}};
  jail.tmpfs = jail_tmpfs(jail.user, jail.limits, jail.binds);
  jail.command = {"zsh", "-l"};
  jail.terminal = true;
  return jail;
}

std::string joined(const auto& command) { return core::shell_line(command); }

}  // namespace

TEST_CASE("a keeper has the volume in the project's place and Mutagen's agent for reading", "[plan]") {
  const auto jail = keeper(some_jail(), {.agents = "/c/agents", .git = "/home/me/my app/.git"});
  CHECK(jail.binds == std::vector<BindMount>{{"/s/passwd", "/etc/passwd", true},
                                             {"/home/me/my app/.git", "/workspace/.git", false},
                                             {"/c/agents", "/home/coder/.mutagen/agents", true}});
  CHECK(jail.volumes == std::vector<VolumeMount>{{"jailed-my-app-0123456789ab", "/workspace"},
                                                 {"jailed-my-app-0123456789ab-projects", "/projects"}});
  const auto target = [](const std::string& path) {
    return [path](const TmpfsMount& mount) { return mount.target == path; };
  };
  const auto agent_home = std::find_if(jail.tmpfs.begin(), jail.tmpfs.end(), target("/home/coder/.mutagen"));
  REQUIRE(agent_home != jail.tmpfs.end());
  CHECK(agent_home->exec);
}

TEST_CASE("of the jail's repository a keeper mounts what is at .git and what is outside of the workspace",
          "[plan]") {
  auto source = some_jail();
  source.binds.push_back({"/s/git", "/workspace/.git", false});
  source.binds.push_back({"/home/me/my app/lib", "/workspace/lib", false});
  source.binds.push_back({"/s/modules/0/gitfile", "/workspace/lib/.git", true});
  source.binds.push_back({"/o", "/jail/objects", true});
  CHECK(keeper(source, {.agents = "/c/agents"}).binds ==
        std::vector<BindMount>{{"/s/passwd", "/etc/passwd", true},
                               {"/s/git", "/workspace/.git", false},
                               {"/o", "/jail/objects", true},
                               {"/c/agents", "/home/coder/.mutagen/agents", true}});
  const auto write = gitfiles_command(kDocker, "c",
                                      {{.gitfile = "gitdir: /workspace/.git/modules/lib\n",
                                        .alternates = {},
                                        .work_tree = "/workspace/lib"}});
  CHECK(std::vector<std::string>(write.args.end() - 3, write.args.end()) ==
        std::vector<std::string>{"gitfiles", "/workspace/lib", "gitdir: /workspace/.git/modules/lib\n"});
}

TEST_CASE("a keeper has the volume, and what is mounted in it, at both places of the project", "[plan]") {
  auto source = some_jail();
  source.place = place_for("/home/me/my app", "coder", "");
  source.binds = at_all_places({{"/s/passwd", "/etc/passwd", true},
                                {"/home/me/my app", "/home/me/my app", false},
                                {"/s/git", "/home/me/my app/.git", false},
                                {"/s/0", "/home/me/my app/.envrc", true}},
                               {source.place});
  const auto jail = keeper(source, {.agents = "/c/agents"});
  CHECK(jail.binds == std::vector<BindMount>{{"/s/passwd", "/etc/passwd", true},
                                             {"/s/git", "/home/me/my app/.git", false},
                                             {"/s/git", "/workspace/.git", false},
                                             {"/c/agents", "/home/coder/.mutagen/agents", true}});
  CHECK(jail.volumes == std::vector<VolumeMount>{{"jailed-my-app-0123456789ab", "/workspace"},
                                                 {"jailed-my-app-0123456789ab", "/home/me/my app", true},
                                                 {"jailed-my-app-0123456789ab-projects", "/projects"}});
  const auto line = joined(run_command(kDocker, jail));
  CHECK(line.find("--workdir '/home/me/my app'") != std::string::npos);
  // Which of them gives a new volume its mode is not left to the engine.
  CHECK(line.find("'type=volume,source=jailed-my-app-0123456789ab,target=/home/me/my app,volume-nocopy'") != std::string::npos);
  CHECK(line.find("target=/workspace,") == std::string::npos);
  CHECK(joined(run_command(kPodman, jail)).find("volume-nocopy") == std::string::npos);
  CHECK(line.find("GIT_CONFIG_COUNT=2 -e GIT_CONFIG_KEY_0=safe.directory -e 'GIT_CONFIG_VALUE_0=/home/me/my app' "
                  "-e GIT_CONFIG_KEY_1=safe.directory -e GIT_CONFIG_VALUE_1=/workspace") != std::string::npos);
  CHECK(joined(exec_command(kDocker, jail, "t")).find("--workdir '/home/me/my app'") != std::string::npos);
  const auto own = keeper(source, {.agents = "/c/agents", .git = "/home/me/my app/.git"}).binds;
  for (const auto* place : {"/workspace/.git", "/home/me/my app/.git"})
    CHECK(std::count(own.begin(), own.end(), BindMount{"/home/me/my app/.git", place, false}) == 1);
}

TEST_CASE("a keeper is started in the background with the whole hardening", "[plan]") {
  const auto line =
      joined(run_command(kDocker, keeper(some_jail(), {.agents = "/c/agents", .git = std::nullopt})));
  CHECK(line.starts_with("/usr/bin/docker run --rm -d --pull=never --name jailed-my-app-0123456789ab "));
  for (const auto* flag : {"--user 7:8 --read-only --cap-drop ALL --security-opt no-new-privileges",
                           "--pids-limit 99", "--memory 1073741824 --memory-swap 1073741824",
                           "--mount type=volume,source=jailed-my-app-0123456789ab,target=/workspace",
                           "--mount type=bind,source=/c/agents,target=/home/coder/.mutagen/agents,readonly",
                           "--label jailed.session=0123456789ab --label 'jailed.project=/home/me/my app' "
                           "--label jailed.owner=7 "}) {
    INFO(flag);
    CHECK(line.find(flag) != std::string::npos);
  }
  CHECK(line.ends_with(" jailed:latest sh -c 'echo $$ >/run/jailed-keeper; exec sleep infinity'"));
  CHECK(line.find(" -t ") == std::string::npos);
}

TEST_CASE("what only brings a volume home has no network and none of the user's files", "[plan]") {
  auto left = some_jail();
  left.seccomp = "/s/seccomp.json";
  left.environment = {.constants = {{"A", "b"}}, .names = {"OPENAI_API_KEY"}, .child_env = {{"OPENAI_API_KEY", "k"}}, .file = {{"PATH", "/x"}}};
  left.env_file = "/s/env";
  left.groups = {999};
  left.hosts = {"host:1.2.3.4"};
  const auto jail = recovery_keeper(left, "/s/r", true, "/c/agents");
  const auto command = run_command(kDocker, jail);
  CHECK(command.env.empty());
  for (const auto* word : {"OPENAI", "env-file", "A=b", "group-add", "add-host", "/s/seccomp.json"}) {
    INFO(word);
    CHECK(joined(command).find(word) == std::string::npos);
  }
  CHECK(joined(command).find("seccomp=/s/r/seccomp.json") != std::string::npos);
  CHECK(jail.binds == std::vector<BindMount>{{"/s/r/passwd", "/etc/passwd", true},
                                             {"/s/r/group", "/etc/group", true},
                                             {"/s/r/lease", "/etc/jailed/lease", true},
                                             {"/c/agents", "/home/coder/.mutagen/agents", true}});
  CHECK(joined(command).find(" --network none ") != std::string::npos);
}

TEST_CASE("what brings a volume home has a lease and a filter only where the jail could have them", "[plan]") {
  const auto jail = recovery_keeper(some_jail(), "/s/r", false, "/c/agents");
  const auto line = joined(run_command(kDocker, jail));
  CHECK(line.find("lease") == std::string::npos);
  CHECK(line.find("seccomp") == std::string::npos);
}

TEST_CASE("the user's command runs in the keeper, below an init of its own", "[plan]") {
  auto jail = some_jail();
  jail.command = {"echo", "a b", "$x"};
  CHECK(exec_command(kDocker, jail, "t") ==
        core::EngineCall{
            "/usr/bin/docker",
            {"exec", "-i", "-t", "--detach-keys=ctrl-^,ctrl-^,ctrl-^,ctrl-^", "--workdir", "/workspace",
             "jailed-my-app-0123456789ab", "/bin/sh", "-c", "echo $$ >\"/run/jailed-$0\"; exec \"$@\"", "t",
             "/usr/libexec/jailed/init", "echo", "a b", "$x"},
            {}});
  CHECK(signal_command(kDocker, "c", "t", 15) ==
        core::EngineCall{"/usr/bin/docker",
                         {"exec", "c", "/bin/sh", "-c",
                          "[ -f \"/run/jailed-$0\" ] && read -r pid <\"/run/jailed-$0\" || exit 1\n"
                          "LC_ALL=C\n"
                          "case $pid in '' | *[!0-9]* | 0* | 1) exit 1 ;; esac\n"
                          "kill -\"$1\" \"$pid\"",
                          "t", "15"},
                         {}});
}

TEST_CASE("without a terminal the command's error output is marked, as the client's is the same", "[plan]") {
  const auto args = exec_command(kDocker, "c", "/home/me/app", {"true"}, "t", false).args;
  CHECK(args == std::vector<std::string>{"exec", "-i", "--workdir", "/home/me/app", "c", "/bin/sh", "-c",
                                         "echo $$ >\"/run/jailed-$0\"; printf '\\036jailed\\036' >&2; exec \"$@\"", "t", "/usr/libexec/jailed/init", "true"});
  CHECK(kCommandMark == "\036jailed\036");
}

TEST_CASE("volumes carry what it takes to bring them home", "[plan]") {
  CHECK(create_volume_command(kDocker, some_jail()).args ==
        std::vector<std::string>{"volume", "create", "--label", "jailed.session=0123456789ab", "--label",
                                 "jailed.project=/home/me/my app", "--label", "jailed.owner=7", "--label",
                                 jail_labels(kDocker, some_jail()).back(), "--label", "jailed.image=jailed:latest",
                                 "--label", "jailed.user=coder", "--label", "jailed.identity=7:8",
                                 "jailed-my-app-0123456789ab"});
  const auto volumes = parse_volumes(R"([
    {"Name": "other", "Labels": null},
    {"Name": "broken", "Labels": {"jailed.session": "1", "jailed.identity": "x:y", "jailed.owner": "7"}},
    {"Name": "v", "Labels": {"jailed.session": "0123456789ab", "jailed.project": "/p,q=r", "jailed.owner": "7",
     "jailed.image": "i", "jailed.user": "coder", "jailed.identity": "7:8"}}])");
  CHECK(volumes == std::vector<Volume>{{.name = "v", .session = "0123456789ab", .project = "/p,q=r", .image = {}, .user = {}, .identity = {}, .owner = 7}});
  CHECK(parse_volumes("no JSON").empty());
}

TEST_CASE("Mutagen's session keeps both sides of a conflict, modes and links, and leaves .git alone",
          "[plan]") {
  const auto command = sync_create_command(
      kMutagen, {.id = "abc", .project = "-p", .container = "c", .ignores = {"!.git"}});
  CHECK(command.env == kMutagen.env);
  CHECK(command.args == std::vector<std::string>{"sync",
                                                 "create",
                                                 "--name",
                                                 "jailed-abc",
                                                 "--label",
                                                 "jailed=abc",
                                                 "--no-global-configuration",
                                                 "--mode",
                                                 "two-way-safe",
                                                 "--symlink-mode",
                                                 "posix-raw",
                                                 "--permissions-mode",
                                                 "portable",
                                                 "--default-file-mode",
                                                 "0644",
                                                 "--default-directory-mode",
                                                 "0755",
                                                 "--stage-mode-beta",
                                                 "internal",
                                                 "--watch-polling-interval",
                                                 "10",
                                                 "--ignore",
                                                 "!.git",
                                                 "--ignore-vcs",
                                                 "--ignore",
                                                 ".[gG][iI][tT]",
                                                 "--",
                                                 "-p",
                                                 "docker://c/workspace"});
}

TEST_CASE("a session's state is read from Mutagen's JSON", "[plan]") {
  CHECK_FALSE(parse_sync_state("[]"));
  CHECK_FALSE(parse_sync_state("error: unable to locate"));
  const auto state = parse_sync_state(R"([{"status": "staging-beta", "lastError": "e",
    "alpha": {"connected": true, "files": 3, "scanProblems": [{"path": "host", "error": "unreadable"}], "excludedScanProblems": 2,
              "transitionProblems": [{"path": "a", "error": "no space left"}]},
    "beta": {"connected": true, "files": 2, "scanProblems": [{"path": "b", "error": "denied"}],
             "excludedScanProblems": 4, "transitionProblems": [{"path": "c", "error": "name too long"}],
             "excludedTransitionProblems": 3,
             "stagingProgress": {"receivedFiles": 1, "expectedFiles": 9, "totalReceivedSize": 2048}},
    "conflicts": [{"root": "x/y", "alphaChanges": [], "betaChanges": []}], "excludedConflicts": 1}])");
  REQUIRE(state);
  CHECK(state->status == "staging-beta");
  CHECK(state->connected);
  CHECK_FALSE(state->halted());
  CHECK(state->conflicts == std::vector<std::string>{"x/y"});
  CHECK(state->more_conflicts == 1);
  CHECK(state->unread == std::vector<SyncProblem>{{"b", "denied"}});
  CHECK(state->more_unread == 4);
  CHECK(state->unwritten == std::vector<SyncProblem>{{"a", "no space left"}});
  CHECK(state->not_home() == 6);
  CHECK(state->not_carried == std::vector<SyncProblem>{{"host", "unreadable"}, {"c", "name too long"}});
  CHECK(state->more_not_carried == 5);
  CHECK(sync_progress(*state) == "copying the project: 1 of 9 files, 2.0 KiB");
}

TEST_CASE("further projects are in a volume of their own, each with a session", "[plan]") {
  CHECK(projects_volume("c") == "c-projects");
  CHECK(remove_volume_command(kDocker, "c").args == std::vector<std::string>{"volume", "rm", "c-projects", "c"});
  CHECK(sync_key("1f", "") == "1f");
  const auto key = sync_key("1f", "a.b");
  CHECK(key.size() == 2 + 1 + 16);
  CHECK(key.find_first_not_of("0123456789abcdef-") == std::string::npos);  // what Mutagen takes
  CHECK(key != sync_key("1f", "a-b"));
  const auto line = joined(sync_create_command(kMutagen, {.id = "1f", .project = "/q", .container = "c", .ignores = {}, .name = "a.b"}));
  CHECK(line.find("--name jailed-" + key + " --label jailed=1f ") != std::string::npos);
  CHECK(line.ends_with(" -- /q docker://c/projects/a.b"));
  CHECK(sync_terminate_all_command(kMutagen, "1f").args ==
        std::vector<std::string>{"sync", "terminate", "--label-selector", "jailed=1f"});
  CHECK(joined(archive_command(kDocker, "c", {"x"}, "/projects/api")).find("--workdir /projects/api c ") != std::string::npos);
}

TEST_CASE("nothing is mounted in a keeper's further projects", "[plan]") {
  auto source = some_jail();
  source.binds.push_back({"/q", "/projects/api", false});
  source.binds.push_back({"/s/projects/api/gitfile", "/projects/api/.git", true});
  source.binds.push_back({"/s/projects/api/git", "/jail/projects/api/git", false});
  const auto jail = keeper(source, {.agents = "/c/agents", .further_git = {{"/r/.git", "/jail/projects/lib/git", false}}});
  CHECK(jail.binds == std::vector<BindMount>{{"/s/passwd", "/etc/passwd", true},
                                             {"/s/projects/api/git", "/jail/projects/api/git", false},
                                             {"/r/.git", "/jail/projects/lib/git", false},
                                             {"/c/agents", "/home/coder/.mutagen/agents", true}});
}

TEST_CASE("both volumes are gone when the engine says so of both", "[plan]") {
  CHECK(says_volumes_are_gone(kDocker, "Error: No such volume: a\nError: No such volume: b"));
  CHECK(says_volumes_are_gone(kDocker, "Error: no volume with name \"a\" found: no such volume\nError: no volume with name \"b\" found: no such volume"));
  CHECK_FALSE(says_volumes_are_gone(kDocker, "Error: No such volume: a\nvolume is in use - [1f]"));
  CHECK_FALSE(says_volumes_are_gone(kDocker, ""));
}

TEST_CASE("a directory that is left out is no pattern, whatever its name holds", "[plan]") {
  CHECK(ignore_of(".bare") == "/.bare");
  CHECK(ignore_of("a/[b]*?{c,d}\\!") == R"(/a/\[b\]\*\?\{c,d\}\\!)");
}
