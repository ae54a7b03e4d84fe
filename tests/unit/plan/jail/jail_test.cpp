#include <jailed/core/version.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::EngineCall;
using jailed::core::EnvVar;

namespace {

using Words = std::vector<std::string>;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kGiB = 1024 * kMiB;

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", false};
const Engine kRootlessPodman{EngineKind::podman, "/usr/bin/podman", true};

Jail some_jail() {
  Jail jail;
  jail.id = "0123456789ab";
  jail.project = "/home/me/my project";
  jail.owner = 1001;
  jail.image = "jailed:latest";
  jail.user = "coder";
  jail.identity = {1001, 1002};
  jail.limits = {.memory = 6 * kGiB,
                 .pids = 4096,
                 .cpus = {},
                 .tmpfs_scale = 6 * kGiB,
                 .tmp = 1 * kGiB,
                 .home = 2 * kGiB,
                 .shm = 512 * kMiB,
                 .files = 65536,
                 .user_processes = 30000};
  jail.seccomp = "/s/seccomp.json";
  jail.binds = {{"/s/passwd", "/etc/passwd", true}, {"/home/me/my project", "/workspace", false}};
  jail.tmpfs = {{.target = "/tmp", .size = 1 * kGiB, .exec = true, .shared = true},
                {.target = "/run", .size = 64 * kMiB},
                {.target = "/home/coder", .size = 2 * kGiB, .exec = true}};
  jail.environment.constants = {{"HOME", "/home/coder"}};
  jail.environment.names = {"ANTHROPIC_API_KEY", "TOKEN"};
  jail.environment.child_env = {{"TOKEN", "secret"}};
  jail.command = {"zsh", "-l"};
  return jail;
}

Words labels() {
  return {"--label", "jailed.session=0123456789ab",
          "--label", "jailed.project=/home/me/my project",
          "--label", "jailed.owner=1001",
          "--label", std::string("jailed.version=") + jailed::core::kVersion};
}

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

TEST_CASE("docker's whole command line", "[plan]") {
  const auto command = run_command(kDocker, some_jail());
  const auto expected =
      Words{"run",
            "--rm",
            "-i",
            "--pull=never",
            "--name",
            "jailed-my-project-0123456789ab",
            "--hostname",
            "jailed",
            "--user",
            "1001:1002",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--security-opt",
            "seccomp=/s/seccomp.json",
            "--pids-limit",
            "4096",
            "--memory",
            "6442450944",
            "--memory-swap",
            "6442450944",
            "--shm-size",
            "536870912",
            "--ulimit",
            "nofile=65536:65536",
            "--ulimit",
            "core=1:1",
            "--log-driver",
            "none",
            "--tmpfs",
            "/tmp:rw,exec,nosuid,nodev,size=1073741824,mode=1777,nr_inodes=262144",
            "--tmpfs",
            "/run:rw,noexec,nosuid,nodev,size=67108864,mode=0700,nr_inodes=16384,uid=1001,gid=1002",
            "--tmpfs",
            "/home/coder:rw,exec,nosuid,nodev,size=2147483648,mode=0700,nr_inodes=524288,uid=1001,gid=1002",
            "--mount",
            "type=bind,source=/s/passwd,target=/etc/passwd,readonly",
            "--mount",
            "type=bind,source=/home/me/my project,target=/workspace",
            "--workdir",
            "/workspace",
            "-e",
            "JAILED_PROJECT=my-project",
            "-e",
            "HOME=/home/coder",
            "-e",
            "ANTHROPIC_API_KEY",
            "-e",
            "TOKEN"} +
      labels() + Words{"jailed:latest", "zsh", "-l"};
  CHECK(jailed::core::shell_line(command).find(" /usr/bin/docker run ") != std::string::npos);
  CHECK(command.args == expected);
  CHECK(command.env == std::vector<EnvVar>{{"TOKEN", "secret"}});
}

TEST_CASE("rootful podman's whole command line", "[plan]") {
  const auto command = run_command(kPodman, some_jail());
  const auto expected = Words{"run",
                              "--rm",
                              "-i",
                              "--pull=never",
                              "--name",
                              "jailed-my-project-0123456789ab",
                              "--hostname",
                              "jailed",
                              "--http-proxy=false",
                              "--user",
                              "1001:1002",
                              "--read-only",
                              "--cap-drop",
                              "ALL",
                              "--security-opt",
                              "no-new-privileges",
                              "--security-opt",
                              "seccomp=/s/seccomp.json",
                              "--pids-limit",
                              "4096",
                              "--memory",
                              "6442450944",
                              "--memory-swap",
                              "6442450944",
                              "--shm-size",
                              "536870912",
                              "--ulimit",
                              "nofile=65536:65536",
                              "--ulimit",
                              "core=1:1",
                              "--ulimit",
                              "nproc=30000:30000",
                              "--log-driver",
                              "none",
                              "--tmpfs",
                              "/tmp:rw,exec,nosuid,nodev,size=1073741824,mode=1777,notmpcopyup",
                              "--tmpfs",
                              "/run:rw,noexec,nosuid,nodev,size=67108864,mode=0700,notmpcopyup,U",
                              "--tmpfs",
                              "/home/coder:rw,exec,nosuid,nodev,size=2147483648,mode=0700,notmpcopyup,U",
                              "--mount",
                              "type=bind,source=/s/passwd,target=/etc/passwd,readonly",
                              "--mount",
                              "type=bind,source=/home/me/my project,target=/workspace",
                              "--workdir",
                              "/workspace",
                              "-e",
                              "JAILED_PROJECT=my-project",
                              "-e",
                              "HOME=/home/coder",
                              "-e",
                              "ANTHROPIC_API_KEY",
                              "-e",
                              "TOKEN"} +
                        labels() + Words{"jailed:latest", "zsh", "-l"};
  CHECK(jailed::core::shell_line(command).find(" /usr/bin/podman run ") != std::string::npos);
  CHECK(command.args == expected);
}

TEST_CASE("rootless podman keeps the caller's id and counts processes in its own user namespace", "[plan]") {
  auto expected = run_command(kPodman, some_jail()).args;
  *std::find(expected.begin(), expected.end(), "nproc=30000:30000") = "nproc=4096:4096";
  const auto proxies = std::find(expected.begin(), expected.end(), "--http-proxy=false");
  REQUIRE(proxies != expected.end());
  expected.insert(proxies + 1, "--userns=keep-id");
  CHECK(run_command(kRootlessPodman, some_jail()).args == expected);
}

TEST_CASE("a terminal, processors, an env file and a command each stand in their place", "[plan]") {
  auto jail = some_jail();
  jail.terminal = true;
  jail.limits.cpus = "1.5";
  jail.env_file = "/s/env";
  jail.command = {"sh", "-c", "echo $X", "--", "-v"};
  auto expected = run_command(kDocker, some_jail()).args;
  expected.insert(expected.begin() + 3, {"-t", "--detach-keys=ctrl-^,ctrl-^,ctrl-^,ctrl-^"});
  const auto shm = std::find(expected.begin(), expected.end(), "--shm-size");
  expected.insert(shm, {"--cpus", "1.5"});
  const auto label = std::find(expected.begin(), expected.end(), "--label");
  expected.insert(label, {"--env-file", "/s/env"});
  expected.resize(expected.size() - 2);
  CHECK(run_command(kDocker, jail).args == expected + jail.command);
}

TEST_CASE("a limit that the engine cannot enforce is not asked for", "[plan]") {
  auto jail = some_jail();
  jail.limits.memory.reset();
  jail.limits.pids.reset();
  const auto args = run_command(kRootlessPodman, jail).args;
  for (const auto* flag : {"--memory", "--memory-swap", "--pids-limit", "--cpus"})
    CHECK(std::count(args.begin(), args.end(), flag) == 0);
}

TEST_CASE("no jail is ever given what would let it out", "[plan]") {
  auto jail = some_jail();
  jail.terminal = true;
  const auto engine = GENERATE(0, 1, 2);
  const auto args = run_command(engine == 0 ? kDocker : engine == 1 ? kPodman : kRootlessPodman, jail).args;
  for (const auto* flag :
       {"--privileged", "--cap-add", "--device", "--pid", "--ipc", "--publish", "-p", "--volume", "-v",
        "--group-add", "--uts", "--network", "--net", "--security-opt=seccomp=unconfined"})
    CHECK(std::count(args.begin(), args.end(), flag) == 0);
  for (const auto& word : args) CHECK(word.find("docker.sock") == std::string::npos);
}

TEST_CASE("a value with a secret is in the client's environment and in no argument", "[plan]") {
  const auto command = run_command(kDocker, some_jail());
  for (const auto& word : command.args) CHECK(word.find("secret") == std::string::npos);
  CHECK(jailed::core::shell_line(command).find("secret") == std::string::npos);
}

TEST_CASE("a mount's source may hold whatever a file name can", "[plan]") {
  auto jail = some_jail();
  jail.binds = {{"/a,b \"c\"=d:e\nf", "/workspace", false}};
  const auto args = run_command(kDocker, jail).args;
  const auto mount = std::find(args.begin(), args.end(), "--mount");
  REQUIRE(mount != args.end());
  CHECK(*(mount + 1) == "type=bind,\"source=/a,b \"\"c\"\"=d:e\nf\",target=/workspace");
}

TEST_CASE("the mounts of a jail, parents before what is mounted inside them", "[plan]") {
  const Layout layout{.session = "/c/sessions/1",
                      .state = {.agents = "/c/agents", .cache = "/c/cache"},
                      .projects = {{.path = "/p", .workspace = "/w", .view = {}, .place = {}}},
                      .lease = "/c/sessions/1/lease"};
  const std::vector<BindMount> projects = {{"/w", "/workspace", false}};
  const std::vector<BindMount> expected = {
      {"/c/sessions/1/passwd", "/etc/passwd", true},
      {"/c/sessions/1/group", "/etc/group", true},
      {"/c/sessions/1/gitconfig", "/etc/jailed/gitconfig", true},
      {"/c/sessions/1/lease", "/etc/jailed/lease", true},
      {"/w", "/workspace", false},
      {"/c/agents/claude", "/home/me/.claude", false},
      {"/c/agents/opencode", "/home/me/.config/opencode", false},
      {"/c/agents/opencode-data", "/home/me/.local/share/opencode", false},
      {"/c/agents/opencode-state", "/home/me/.local/state/opencode", false},
      {"/c/agents/aider", "/home/me/.aider", false},
      {"/c/agents/kimi", "/home/me/.kimi-code", false},
      {"/c/agents/gemini", "/home/me/.gemini", false},
      {"/c/agents/codex", "/home/me/.codex", false},
      {"/c/agents/copilot", "/home/me/.copilot", false},
      {"/c/agents/gh", "/home/me/.config/gh", false},
      {"/c/cache", "/home/me/.cache", false},
  };
  CHECK(jail_binds(layout, projects, "me") == expected);

  auto without_lease = layout;
  without_lease.lease.reset();
  auto fewer = expected;
  fewer.erase(fewer.begin() + 3);
  CHECK(jail_binds(without_lease, projects, "me") == fewer);
}

TEST_CASE(
    "memory-backed places, sized by the jail's memory; directories that lead to a mount belong to the user",
    "[plan]") {
  const std::vector<BindMount> binds = {
      {"/s/passwd", "/etc/passwd", true},   {"/a", "/home/me/.config/opencode", false},
      {"/b", "/home/me/.config/gh", false}, {"/c", "/home/me/.local/share/opencode", false},
      {"/d", "/home/me/.claude", false},    {"/e", "/home/mercury/.x/y", false},
      {"/f", "/home/me/.cache", false}};
  CHECK(jail_tmpfs("me", {.tmpfs_scale = 16 * kGiB, .tmp = 4 * kGiB, .home = 2 * kGiB}, binds) ==
        std::vector<TmpfsMount>{
            {.target = "/tmp", .size = 4 * kGiB, .exec = true, .shared = true},
            {.target = "/var/tmp", .size = 1 * kGiB, .shared = true},
            {.target = "/run", .size = 64 * kMiB},
            {.target = "/home/me", .size = 2 * kGiB, .exec = true},
            {.target = "/home/me/.config", .size = 1 * kGiB, .exec = true},
            {.target = "/home/me/.local", .size = 1 * kGiB, .exec = true},
            {.target = "/home/me/.local/share", .size = 1 * kGiB, .exec = true},
        });
}

TEST_CASE("a jail starts at the project's own path", "[plan]") {
  auto jail = some_jail();
  jail.place = place_for("/home/me/my project", "me2", "");
  const auto args = run_command(kDocker, jail).args;
  const auto workdir = std::find(args.begin(), args.end(), "--workdir");
  REQUIRE(workdir != args.end());
  CHECK(*(workdir + 1) == "/home/me/my project");
  CHECK(std::count(args.begin(), args.end(), "JAILED_WORKSPACE=/home/me/my project") == 1);
  jail.role = "git";
  const auto helper = run_command(kDocker, jail).args;
  CHECK(*(std::find(helper.begin(), helper.end(), "--workdir") + 1) == "/tmp");
  CHECK(std::count(helper.begin(), helper.end(), "JAILED_WORKSPACE=/home/me/my project") == 0);
}

TEST_CASE("a project below /root has a /root that its jail can enter", "[plan]") {
  const auto has_root = [](const std::vector<TmpfsMount>& mounts) {
    return std::any_of(mounts.begin(), mounts.end(), [](const auto& mount) { return mount.target == "/root"; });
  };
  const Limits limits{.tmpfs_scale = kGiB};
  CHECK(has_root(jail_tmpfs("me", limits, {{"/root/a", "/root/a", false}})));
  CHECK(has_root(jail_tmpfs("me", limits, {}, place_for("/root/a", "me", ""))));
  CHECK_FALSE(has_root(jail_tmpfs("me", limits, {{"/root/a", "/home/x", false}, {"/r", "/rooted", false}})));
}

TEST_CASE("three quarters of the machine's memory, unless the user says otherwise", "[plan]") {
  const HostLimits host{.memory = 16 * kGiB, .files = 20000, .processes = 30000};
  jailed::core::Settings settings;
  auto limits = jail_limits(settings, host);
  CHECK(limits.memory == 12 * kGiB);
  CHECK(limits.tmpfs_scale == 12 * kGiB);
  CHECK(limits.tmp == 3 * kGiB);
  CHECK(limits.home == 3 * kGiB / 2);
  CHECK(limits.shm == 3 * kGiB / 4);
  CHECK(limits.pids == 4096U);
  CHECK(limits.cpus == std::nullopt);
  CHECK(limits.user_processes == 30000);

  settings.memory = 2 * kGiB;
  settings.pids = 100;
  settings.cpus = "2";
  settings.tmp_size = 70 * kMiB;
  settings.home_size = 80 * kMiB;
  settings.shm_size = 90 * kMiB;
  limits = jail_limits(settings, host);
  CHECK(limits.memory == 2 * kGiB);
  CHECK(limits.tmpfs_scale == 2 * kGiB);
  CHECK(limits.pids == 100U);
  CHECK(limits.cpus == "2");
  CHECK(limits.tmp == 70 * kMiB);
  CHECK(limits.home == 80 * kMiB);
  CHECK(limits.shm == 90 * kMiB);
}

TEST_CASE("a jail never asks for more open files than its caller may have", "[plan]") {
  jailed::core::Settings settings;
  CHECK(jail_limits(settings, {.memory = kGiB, .files = 1048576}).files == 65536);
  CHECK(jail_limits(settings, {.memory = kGiB, .files = 20000}).files == 20000);
  settings.files = 1024;
  CHECK(jail_limits(settings, {.memory = kGiB, .files = 20000}).files == 1024);
}

TEST_CASE("a small jail's memory-backed places are 64 MiB at least", "[plan]") {
  jailed::core::Settings settings;
  settings.memory = 64 * kMiB;
  const auto limits = jail_limits(settings, {.memory = 16 * kGiB});
  CHECK(limits.shm == 64 * kMiB);
  for (const auto& mount : jail_tmpfs("me", limits, {})) CHECK(mount.size == 64 * kMiB);
}

TEST_CASE("without a profile of jailed's own the engine's holds", "[plan]") {
  auto jail = some_jail();
  jail.seccomp.reset();
  for (const auto& word : run_command(kDocker, jail).args) CHECK_FALSE(word.starts_with("seccomp="));
}

TEST_CASE("the seccomp profile is compiled in, and allows nothing that it names as refused", "[plan]") {
  const auto profile = nlohmann::json::parse(seccomp_profile());
  CHECK(profile.at("defaultAction") == "SCMP_ACT_ERRNO");
  std::set<std::string> allowed, refused;
  for (const auto& rule : profile.at("syscalls")) {
    if (rule.contains("args")) continue;
    auto& names = rule.at("action") == "SCMP_ACT_ALLOW" ? allowed : refused;
    for (const auto& name : rule.at("names")) names.insert(name);
  }
  for (const auto* name :
       {"io_uring_setup", "keyctl", "add_key", "request_key", "bpf", "userfaultfd", "perf_event_open",
        "unshare", "setns", "mount", "clone3", "open_by_handle_at", "kexec_load", "init_module"}) {
    CAPTURE(name);
    CHECK(refused.contains(name));
    CHECK_FALSE(allowed.contains(name));
  }
  for (const auto* name : {"socket", "clone", "personality"}) CHECK_FALSE(allowed.contains(name));
  for (const auto* name : {"read", "execve", "ptrace", "futex", "landlock_create_ruleset", "close_range"})
    CHECK(allowed.contains(name));
}

TEST_CASE("a container's name holds only what engines allow", "[plan]") {
  CHECK(container_name("/home/me/app", "1f") == "jailed-app-1f");
  CHECK(container_name("/home/me/my app", "1f") == "jailed-my-app-1f");
  CHECK(container_name("/home/me/.a_b-c", "1f") == "jailed-.a_b-c-1f");
  CHECK(container_name("/x/caf\xc3\xa9", "1f") == "jailed-caf---1f");
  CHECK(container_name("/x/a\nb\"'$;", "1f") == "jailed-a-b-----1f");
  CHECK(container_name("/x/" + std::string(100, 'a'), "1f") == "jailed-" + std::string(40, 'a') + "-1f");
}

TEST_CASE("calls about a jail's container and image", "[plan]") {
  CHECK(remove_command(kDocker, "jailed-a-1") ==
        EngineCall{"/usr/bin/docker", {"rm", "--force", "--volumes", "jailed-a-1"}, {}});
  CHECK(find_session_command(kPodman, "1f") ==
        EngineCall{"/usr/bin/podman", {"ps", "--all", "--quiet", "--filter", "label=jailed.session=1f"}, {}});
  CHECK(image_exists_command(kDocker, "jailed:latest") ==
        EngineCall{"/usr/bin/docker", {"image", "inspect", "--format", "{{.Id}}", "jailed:latest"}, {}});
}

TEST_CASE("of a killed command no more is said than is known", "[plan]") {
  using jailed::core::ExitStatus;
  using jailed::plan::killed_hint;
  using jailed::plan::OutOfMemory;
  Limits limits{.memory = 18 * kGiB};
  const auto killed = ExitStatus::exited(137);
  CHECK(killed_hint(killed, kDocker, limits, OutOfMemory::yes) ==
        "The jail ran out of memory (limit 18 GiB; raise it with --memory), and the kernel killed what ran in it.");
  limits.memory = 3 * kGiB / 2;
  for (const auto& engine : {kPodman, kRootlessPodman})
    CHECK(killed_hint(killed, engine, limits, OutOfMemory::unknown) ==
          "The command ended with status 137, as one does that is killed. If that was for want of memory: the limit is "
          "1.5 GiB; raise it with --memory.");
  CHECK(killed_hint(ExitStatus::signalled(9), kDocker, limits, OutOfMemory::unknown) ==
        "docker's client was killed, and the jail ended with it.");
  CHECK(killed_hint(ExitStatus::signalled(2), kDocker, limits, OutOfMemory::unknown) == std::nullopt);
  CHECK(killed_hint(ExitStatus::exited(1), kDocker, limits, OutOfMemory::yes) == std::nullopt);
  limits.memory.reset();
  CHECK(killed_hint(killed, kDocker, limits, OutOfMemory::unknown) == std::nullopt);
  CHECK(killed_hint(killed, kDocker, limits, OutOfMemory::yes) ==
        "The jail ran out of memory, and the kernel killed what ran in it.");
}

TEST_CASE("docker is asked for what it remembers, by no clock but its own", "[plan]") {
  using jailed::plan::out_of_memory_command;
  CHECK(out_of_memory_command(kDocker, "c")->args ==
        std::vector<std::string>{"events", "--since", "0", "--until", "0s", "--filter", "container=c", "--filter",
                                 "event=oom", "--format", "{{.Action}}"});
  CHECK(out_of_memory_command(kPodman, "c") == std::nullopt);
}
