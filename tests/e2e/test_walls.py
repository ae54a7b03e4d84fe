"""What a process in the jail is, sees and may do."""
import re

import pytest

from support.jail import HOME, USER, processes_of

pytestmark = [pytest.mark.side_by_side]

CANARY = "host-secret-canary"


def status_fields(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


@pytest.fixture(scope="module")
def fields(shared_host):
    return status_fields(shared_host.jail("cat", "/proc/self/status").ok().text)


@pytest.mark.parametrize("name", ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
def test_has_no_capability(fields, name):
    assert int(fields[name], 16) == 0


def test_can_gain_no_privileges_and_is_filtered(fields):
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_runs_as_one_uid_that_is_not_root(fields):
    assert len(set(fields["Uid"].split())) == 1 and "0" not in fields["Uid"].split()
    assert "0" not in fields["Gid"].split() + fields.get("Groups", "").split()


def test_writes_only_to_project_state_and_memory(shared_host):
    script = r"""
    for place in / /etc /usr /usr/local/bin /opt /var /root /home /boot /srv /dev /proc /sys; do
      if touch "$place/made" 2>/dev/null; then echo "$place"; fi
    done
    for place in "$PWD" /workspace /tmp ~ ~/.cache ~/.claude; do
      touch "$place/made" && rm "$place/made" || echo "not $place"
    done"""
    assert shared_host.sh(script).ok().text == ""


def test_root_is_mounted_read_only(shared_host):
    lines = shared_host.jail("cat", "/proc/self/mounts").ok().text.splitlines()
    (options,) = [line.split()[3] for line in lines if line.split()[1] == "/"]
    assert "ro" in options.split(",")


def test_memory_file_systems_are_sized_and_bare(shared_host):
    mounts = {line.split()[1]: line.split()[3].split(",") for line in shared_host.jail("cat", "/proc/self/mounts").ok().text.splitlines()}
    for place, may_execute in {"/tmp": True, "/run": False, HOME: True}.items():
        options = mounts[place]
        assert {"nosuid", "nodev"} <= set(options), place
        assert ("noexec" not in options) == may_execute, place
        assert any(option.startswith("size=") for option in options), place


def test_no_root_process_inside_or_seen_from_outside(host):
    inside = "for p in /proc/[0-9]*/status; do grep -H ^Uid: $p; done 2>/dev/null; echo done; sleep 30"
    jail = host.start(inside)
    seen = []
    while (line := jail.process.stdout.readline().decode()) != "done\n":
        seen.append(line.split()[1:])
    assert len(seen) >= 2  # process 1 and the shell, at least
    assert not [uids for uids in seen if "0" in uids]

    outside = processes_of(host.only_jail())
    assert len(outside) >= 2
    for pid in outside:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            assert "0" not in status_fields(status.read())["Uid"].split()


def test_the_host_s_environment_stays_out(host):
    out = host.jail("env", env={"MY_CANARY": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY, "SSH_AUTH_SOCK": CANARY}).ok().text
    assert CANARY not in out


def test_documented_keys_come_along_by_name_only(host):
    key = "key-" + CANARY
    assert host.sh('echo "$ANTHROPIC_API_KEY"', env={"ANTHROPIC_API_KEY": key}).ok().text.strip() == key
    assert host.sh('echo "$ANTHROPIC_API_KEY"', options=["--no-agent-env"], env={"ANTHROPIC_API_KEY": key}).ok().text.strip() == ""
    jail = host.start("sleep 30", env={"ANTHROPIC_API_KEY": key})
    assert not [line for line in host.processes() if key in line]
    jail.end()


def test_the_host_s_descriptors_stay_out(host):
    with open("/etc/hostname", "rb") as leaked:
        # 9 is inherited by jailed, as a careless parent would hand it down.
        command = 'exec 9<"$1"; shift; exec "$@"'
        out = host.run(*host.bind(), "--", "bash", "-c", "ls /proc/$$/fd; true").ok().text.split()
        assert sorted(out) == ["0", "1", "2"]
        line = ["bash", "-c", command, "sh", leaked.name]
        out = host.run(*host.bind(), "--", "bash", "-c", "ls /proc/$$/fd; true", prefix=line).ok().text.split()
        assert sorted(out) == ["0", "1", "2"]


def test_has_no_engine_socket_and_no_host_devices(shared_host):
    script = """
    for socket in /var/run/docker.sock /run/docker.sock /run/podman/podman.sock; do test -e $socket && echo $socket; done
    ls /dev | grep -E '^(sd|vd|nvme|mem|kmsg|fuse|kvm)' ; true"""
    assert shared_host.sh(script).ok().text == ""


def test_only_known_paths_of_the_host_are_mounted(shared_host):
    lines = shared_host.jail("cat", "/proc/self/mountinfo").ok().text.splitlines()
    places = {line.split()[4] for line in lines if " - " in line}
    kernel = re.compile(r"^/(proc|sys|dev)(/|$)")
    state = {f"{HOME}/{path}" for path in (
        ".cache", ".claude", ".config/opencode", ".local/share/opencode", ".local/state/opencode", ".aider", ".kimi-code",
        ".gemini", ".codex", ".copilot", ".config/gh")}  # fmt: skip
    files = {"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/run/secrets"}
    memory = {"/", "/tmp", "/var/tmp", "/run", HOME, f"{HOME}/.config", f"{HOME}/.local", f"{HOME}/.local/share", f"{HOME}/.local/state"}
    project = {f"{place}{part}" for place in ("/workspace", shared_host.project()) for part in ("", "/.git")}
    unknown = {place for place in places - state - files - memory - project if not kernel.match(place)}
    assert not {place for place in unknown if not place.startswith("/etc/jailed/")}
    assert state | project <= places


def test_has_a_name_a_home_and_a_shell(shared_host):
    script = 'id -un; getent passwd "$(id -u)" | cut -d: -f6,7; echo "$HOME" ~; id -gn; pwd; stat -c %U:%a ~'
    out = shared_host.sh(script).ok().text.splitlines()
    assert out == [USER, f"{HOME}:/bin/zsh", f"{HOME} {HOME}", USER, str(shared_host.project()), f"{USER}:700"]


def test_process_1_is_the_image_s_init_and_cannot_be_looked_into(shared_host):
    script = "cat /proc/1/comm; tr '\\0' ' ' </proc/1/cmdline; echo; ls /proc/1/fd 2>&1 | head -n 1; cat /proc/1/environ 2>&1 | head -n 1"
    name, line, descriptors, environment = shared_host.sh(script).ok().text.splitlines()
    assert name == "init" and line.startswith("/usr/libexec/jailed/init ")
    assert "ermission denied" in descriptors and "ermission denied" in environment


def test_orphans_are_reaped(shared_host):
    script = "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; true"
    assert shared_host.sh(script).ok().text == ""


def test_limits_are_set(host, engine):
    if engine.rootless and not _controllers_delegated():
        pytest.skip("no cgroup controllers for users here")
    jail = host.start("sleep 30")
    config = host.only_jail()["HostConfig"]
    assert config["Memory"] > 0 and config["MemorySwap"] == config["Memory"] and config["PidsLimit"] > 0
    assert config["ReadonlyRootfs"] and not config["Privileged"]
    jail.end()
    jail = host.run("--memory", "300m", "--pids", "77", *host.bind(), "--", "cat", "/proc/1/cgroup").ok()


def _controllers_delegated() -> bool:
    from pathlib import Path

    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def test_labels_tell_whose_it_is(host):
    from support.jail import labels

    host.start("sleep 30")
    found = host.only_jail()
    own = labels(found)
    assert own["jailed.project"] == str(host.project()) and own["jailed.owner"] == str(host.caller.uid)
    assert own["jailed.version"] and own["jailed.session"] in found["Name"]
    assert found["Name"].lstrip("/").startswith("jailed-project-")
