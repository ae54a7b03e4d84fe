#include <algorithm>
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <jailed/plan/sync/volume.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed;
using namespace jailed::plan;

namespace {

const Engine kFar{.kind = EngineKind::docker, .program = "/usr/bin/docker", .endpoint = "ssh://me@far", .reach = kAnotherMachine};
const Engine kFarPodman{.kind = EngineKind::podman, .program = "/usr/bin/podman", .endpoint = "tcp://far:1", .reach = kAnotherMachine};

Jail some_keeper() {
  Jail jail;
  jail.id = "0123456789ab";
  jail.project = "/home/me/app";
  jail.image = "jailed:latest";
  jail.user = "coder";
  jail.identity = kRemoteIdentity;
  jail.limits = {.memory = 1 << 30, .pids = 99, .cpus = {}, .tmpfs_scale = 1 << 30};
  jail.binds = {{"/s/passwd", "/etc/passwd", true},
                {"/s/group", "/etc/group", true},
                {"/s/gitconfig", "/etc/jailed/gitconfig", true},
                {"/home/me/app", "/workspace", false},
                {"/s/git", "/workspace/.git", false},
                {"/home/me/app/.git/objects", "/jail/objects", true},
                {"/s/empty-file", "/jail/objects/info/alternates", true},
                {"/home/me/app/lib", "/workspace/lib", false},
                {"/s/projects/b/git", "/jail/projects/b/git", false},
                {"/c/agents/claude", "/home/coder/.claude", false},
                {"/c/agents/gh", "/home/coder/.config/gh", false},
                {"/c/cache", "/home/coder/.cache", false}};
  return keeper(jail, {.agents = "/a"});
}

}  // namespace

TEST_CASE("on another machine a jail has volumes and links and no mount of this one", "[plan]") {
  const auto jail = jail_for(kFar, some_keeper());
  const auto& parts = *jail.carried;
  CHECK(jail.binds.empty());
  const std::string name = "jailed-app-0123456789ab";
  CHECK(jail.volumes == std::vector<VolumeMount>{{name, "/workspace"}, {name + "-projects", "/projects"}, {name + "-jail", "/jail"}});
  CHECK(parts.links == std::vector<Link>{{"/workspace/.git", "/jail/git"},
                                         {"/home/coder/.claude", "/jail/agents/claude"},
                                         {"/home/coder/.config/gh", "/jail/agents/gh"},
                                         {"/home/coder/.cache", "/jail/cache"}});
  CHECK(parts.copied == std::vector<RemoteCopy>{{"/s/gitconfig", "/jail/gitconfig", true},
                                                {"/home/me/app/.git/objects", "/jail/objects", false},
                                                {"/s/empty-file", "/jail/objects/info/alternates", true},
                                                {"/a", "/home/coder/.mutagen/agents", false}});
  CHECK(parts.followed == std::vector<NamedProject>{{"/jail/git", "/s/git"}, {"/jail/projects/b/git", "/s/projects/b/git"}, {"/jail/agents", "/c/agents"}});
  CHECK(parts.made == std::vector<std::string>{"/jail", "/jail/projects/b", "/jail/cache"});
  const auto in_home = [](const TmpfsMount& mount) { return mount.target.starts_with("/home/coder/"); };
  CHECK(std::none_of(jail.tmpfs.begin(), jail.tmpfs.end(), in_home));
  const auto line = core::shell_line(run_command(kFar, jail));
  CHECK(line.find("type=bind") == std::string::npos);
  CHECK(line.find(" --user 1000:1000 --read-only --cap-drop ALL --security-opt no-new-privileges ") != std::string::npos);
  auto far = kFar;
  far.asked_from = "0123";
  for (const auto& command : {run_command(far, jail), create_volume_command(far, jail)})
    CHECK(core::shell_line(command).find(" --label jailed.machine=0123 ") != std::string::npos);
  for (const auto& command : {find_volumes_command(far, ""), find_volumes_command(far, "1"), list_jails_command(far, 7)})
    CHECK(core::shell_line(command).find(" --filter label=jailed.machine=0123") != std::string::npos);
  CHECK(core::shell_line(list_jails_command(kFar, 7)).find("jailed.machine") == std::string::npos);
  CHECK(remove_volume_command(kFar, "c").args == std::vector<std::string>{"volume", "rm", "c-jail", "c-projects", "c"});
  CHECK_FALSE(says_volumes_are_gone(kFar, "No such volume: a\nNo such volume: b"));
  CHECK(says_volumes_are_gone(kFar, "No such volume: a\nNo such volume: b\nNo such volume: c"));
}

TEST_CASE("on another machine the project's volume is at both places, and what is put in it is there", "[plan]") {
  auto jail = some_keeper();
  const auto once = *jail_for(kFar, jail).carried;
  jail.place = place_for("/home/me/app", "coder", "");
  jail.binds.push_back({"/s/git", "/home/me/app/.git", false});
  const auto parts = *jail_for(kFar, jail).carried;
  CHECK(parts.links == once.links);
  CHECK(parts.copied == once.copied);
  CHECK(parts.followed == once.followed);
  jail.place = place_for("/root/app", "coder", "");
  const auto closed = jail_for(kFar, jail).tmpfs;
  CHECK(std::any_of(closed.begin(), closed.end(), [](const auto& mount) { return mount.target == "/root"; }));
}

TEST_CASE("podman on another machine takes the image's profile, and maps the image's user", "[plan]") {
  auto jail = jail_for(kFar, some_keeper());
  jail.seccomp = "/s/seccomp.json";
  auto podman = kFarPodman;
  podman.rootless = true;
  const auto line = core::shell_line(run_command(podman, jail));
  CHECK(line.find(" --seccomp-policy=image ") != std::string::npos);
  CHECK(line.find("/s/seccomp.json") == std::string::npos);
  CHECK(line.find(" --userns=keep-id:uid=1000,gid=1000 --user 1000:1000 ") != std::string::npos);
  CHECK(core::shell_line(run_command(kFar, jail)).find(" --security-opt seccomp=/s/seccomp.json ") != std::string::npos);
}

TEST_CASE("a linked worktree's .git is put in its place as the file that it is", "[plan]") {
  Jail jail;
  jail.user = "coder";
  jail.binds = {{"/s/gitfile", "/workspace/.git", true}, {"/s/git", "/jail/git", false}};
  const auto parts = *jail_for(kFar, jail).carried;
  CHECK(parts.links.empty());
  CHECK(parts.copied == std::vector<RemoteCopy>{{"/s/gitfile", "/workspace/.git", true}});
  CHECK(parts.followed == std::vector<NamedProject>{{"/jail/git", "/s/git"}});
}

TEST_CASE("a helper's volume on another machine goes with its container", "[plan]") {
  auto base = some_keeper();
  base.volumes.clear();
  const auto jail = collector(base, {{"/s/known", "/jail/known", true}, {"/s/git", "/jail/git", true}});
  const auto waiting = jail_for(kFar, waiting_collector(jail));
  const auto& parts = *waiting.carried;
  CHECK(parts.followed.empty());
  CHECK(parts.copied == std::vector<RemoteCopy>{{"/s/known", "/jail/known", true}, {"/s/git", "/jail/git", false}});
  const auto line = core::shell_line(run_command(kFar, waiting));
  CHECK(line.find(" --network none ") != std::string::npos);
  CHECK(line.find(" --mount type=volume,target=/jail ") != std::string::npos);
  CHECK(line.ends_with(" jailed:latest sleep infinity"));
  const auto collect = collect_command(kFar, jail);
  CHECK(std::vector<std::string>(collect.args.begin(), collect.args.begin() + 6) ==
        std::vector<std::string>{"exec", "--workdir", "/tmp", "jailed-app-0123456789ab-git", "sh", "-c"});
}

TEST_CASE("what cannot be mounted is carried there, and only that", "[plan]") {
  const Engine here{.kind = EngineKind::docker, .program = "/usr/bin/docker"};
  const auto keeper = some_keeper();
  const auto kept = jail_for(here, keeper);
  CHECK(kept.binds == keeper.binds);
  CHECK_FALSE(kept.carried);
  CHECK(jail_for(kFar, keeper).binds.empty());
  CHECK_FALSE(recovery_keeper(jail_for(kFar, keeper), "/s/r", false, "/a").carried);
  const auto jail = collector(keeper, {});
  CHECK(collection_call(here, jail) == run_command(here, jail));
  CHECK(collection_call(kFar, jail) == collect_command(kFar, jail));
}

TEST_CASE("what goes to another machine goes through pipes", "[plan]") {
  Carried parts;
  parts.made = {"/jail"};
  parts.links = {{"/home/coder/.claude", "/jail/agents/claude"}};
  parts.copied = {{"/s/known", "/jail/known", true}, {"/o b", "/jail/objects", false}};
  const auto lines = furnish_lines(kFar, "c", parts);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].ends_with(" furnish /jail -- /home/coder/.claude /jail/agents/claude"));
  CHECK(lines[1].starts_with("/bin/cat -- /s/known | /usr/bin/docker exec -i "));
  CHECK(lines[1].ends_with(" /jail/known"));
  CHECK(lines[2].starts_with("/usr/bin/env COPYFILE_DISABLE=1 tar -c -f - -C '/o b' . | /usr/bin/docker exec -i "));
}

TEST_CASE("agents' state and shadows are for nobody else and complete", "[plan]") {
  const auto line = core::shell_line(sync_create_command({"/m", {}}, {.id = "1", .project = "/c/agents", .container = "c", .ignores = {}, .name = "/jail/agents"}));
  CHECK(line.find(" --default-file-mode 0600 --default-directory-mode 0700 --stage-mode-beta neighboring ") != std::string::npos);
  CHECK(line.find("ignore") == std::string::npos);
  CHECK(line.ends_with(" -- /c/agents docker://c/jail/agents"));
}

TEST_CASE("another machine says its memory and architecture, podman also what it can limit", "[plan]") {
  CHECK(parse_machine(kFar, "1073741824 x86_64\n")->machine == RemoteMachine{1073741824, "amd64"});
  CHECK(parse_machine(kFar, "1 aarch64")->machine.architecture == "arm64");
  CHECK_FALSE(parse_machine(kFar, ""));
  CHECK_FALSE(parse_machine(kFar, "<no value> x"));
  const auto answer = parse_machine(kFarPodman, "1073741824 amd64 true v2 [memory pids]\n");
  REQUIRE(answer);
  CHECK(answer->rootless);
  CHECK(answer->limits == LimitSupport{.memory = true, .pids = true, .cpus = false});
  CHECK(parse_machine(kFarPodman, "1 amd64 true v1 []")->limits == LimitSupport{false, false, false});
  CHECK(parse_machine(kFarPodman, "1 amd64 false v1 []")->limits == LimitSupport{});
}

TEST_CASE("what needs this machine's files is refused for an engine of another, with the way out", "[plan]") {
  const Endpoint endpoint{.address = "tcp://me:secret@far:1", .named_by = "DOCKER_HOST", .way_back = "unset DOCKER_HOST"};
  const auto error = *test::error_of([&] { check_remote({}, endpoint, false); });
  CHECK(error.what() == std::string("DOCKER_HOST names an engine on another machine, tcp://far:1: what a jail mounts would be "
                                    "that machine's files."));
  CHECK(error.next_step() == "with Mutagen they go there and come back: https://mutagen.io, without --sync bind\n"
                             "or use an engine of this machine: unset DOCKER_HOST");
  core::Settings settings;
  CHECK_NOTHROW(check_remote(settings, endpoint, true));
  settings.git = core::GitMode::rw;
  CHECK_THROWS_AS(check_remote(settings, endpoint, true), core::Error);
}
