"""Attacks whose outcome only the host can tell: what is left on its disks and among its processes, and what may be launched."""
import os
import shutil
import signal
from pathlib import Path

import pytest

from support.jail import ENGINE, GVISOR, HOME, IS_ROOT, Host, planned, processes_of, run_planned, wait_for

MIB = 1 << 20


def cannot(record_property, attack: str, why: str) -> None:
    record_property("attack", attack)
    record_property("cannot", why)
    pytest.skip(why)


def no_memory_limit() -> bool:
    """Rootless engines have no cgroup of their own on version 1."""
    return ENGINE == "podman-rootless" and not Path("/sys/fs/cgroup/cgroup.controllers").exists()


# Children that ignore everything, in sessions of their own, as a runaway daemon would be.
STUBBORN = "for i in 1 2 3; do setsid nohup bash -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 & done; wait"


def born(pid: int) -> str:
    """When a process began; a number may be another one's soon after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_children_end_with_the_client(host, told, number):
    jail = host.start(STUBBORN)
    wait_for("all children are there", lambda: len(processes_of(host.only_jail())) >= (2 if GVISOR else 5))
    inside = {pid: born(pid) for pid in processes_of(host.only_jail())}
    jail.signal(number)
    wait_for("no process is left", lambda: not [pid for pid, when in inside.items() if when and born(pid) == when], 20)
    host.wait_until_no_jail(20)
    if number == signal.SIGKILL:
        host.jail("true").ok()  # what the killed one could not take away, the next one does
    told(f"22-client-ends-by-{number.name}", "all gone")


def test_a_fork_bomb_stays_in_the_jail(host, told):
    """At most 400 processes, whatever the limit does; they end by themselves."""
    if GVISOR:
        pytest.skip("100 are too few for gVisor to start with; see test_in_gvisor_the_limit_of_processes_ends_the_jail")
    script = "import os, time\nn = 0\ntry:\n  while n < 400:\n    if os.fork() == 0: time.sleep(8); os._exit(0)\n    n += 1\nexcept OSError as e: print(n, e.errno, flush=True)\nelse: print('unbounded', n, flush=True)\ntime.sleep(4)"
    jail = host.start(f"exec python3 -c '{script.replace(chr(39), chr(34))}'", env={"JAILED_PIDS": "100"})
    assert jail.process.stdout
    said = jail.process.stdout.readline().decode().split()
    inside = {pid: born(pid) for pid in processes_of(host.only_jail())}  # counted on the host
    assert said[1] == str(11), said  # EAGAIN
    assert int(said[0]) < 100 and len(inside) <= 100, (said, len(inside))
    jail.end()
    wait_for("the host has its processes back", lambda: not [pid for pid, when in inside.items() if when and born(pid) == when], 20)
    told("36-fork-bomb", f"EAGAIN after {said[0]} of 100")


@pytest.mark.skipif(not GVISOR, reason="elsewhere the limit is answered with EAGAIN")
def test_in_gvisor_the_limit_of_processes_ends_the_jail(host, told):
    """At most 300 processes of six seconds; with room for them (the control) they all start."""
    script = "import os, time\nfor n in range(300):\n  if os.fork() == 0: time.sleep(6); os._exit(0)\nprint('unbounded', flush=True)"
    roomy = host.jail("python3", "-c", script, options=["--pids", "4096"]).ok()
    assert roomy.text == "unbounded\n"
    result = host.jail("python3", "-c", script, options=["--pids", "200"])
    assert result.status != 0 and "unbounded" not in result.text
    told("36-limit-ends-the-jail", f"the jail ends with {result.status}; with a limit of 4096 all 300 start")


def memory_available() -> int:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


# Takes 16 MiB at a time, 600 in all, and says so.
HOG = "import sys\nkept = []\nfor i in range(38):\n  kept.append(bytearray(b'x') * (16 << 20))\n  print(i, file=sys.stderr, flush=True)\nprint('unbounded')"


def test_a_memory_bomb_kills_the_jail_only(host, told, record_property):
    if no_memory_limit():
        cannot(record_property, "37-memory-bomb", "cgroup version 1 gives rootless podman no memory limit")
    before = memory_available()
    result = host.jail("python3", "-c", HOG, options=["--memory", "256m"])
    assert result.status == 137, (result.status, result.errors)
    assert "unbounded" not in result.text
    (line,) = [line for line in result.errors.splitlines() if "memory" in line]
    assert "limit 256 MiB; raise it with --memory" in line or "limit is 256 MiB; raise it with --memory" in line
    wait_for("the host has its memory back", lambda: memory_available() > before - 512 * MIB, 30)  # of up to 608; others may work here, too
    told("37-memory-bomb", "137, the host has its memory back")


def test_without_the_limit_the_memory_bomb_goes_on(host):
    """The control of 37: the same bomb, at most 608 MiB, in the same plan without its limit."""
    if no_memory_limit():
        pytest.skip("cgroup version 1 gives rootless podman no memory limit that could be taken away")
    argv = planned(host, "python3", "-c", HOG, options=["--memory", "256m"])
    for option in ("--memory", "--memory-swap"):
        at = argv.index(option)
        del argv[at : at + 2]
    assert "unbounded" in run_planned(host, argv).text


def test_a_filled_memory_file_system_takes_nothing_of_the_host_s_disk(host, told):
    before = shutil.disk_usage("/").free
    script = "for d in /tmp /var/tmp /run ~ /dev/shm; do head -c 90M /dev/zero >$d/fill 2>/dev/null && echo unbounded $d; rm -f $d/fill; done; true"
    options = ["--memory", "512m", "--tmp-size", "64m", "--home-size", "64m", "--shm-size", "64m"]
    assert host.sh(script, options=options).ok().text == ""
    assert shutil.disk_usage("/").free > before - 256 * MIB  # of 450; others work here, too
    told("38-fill-everything", "the host's disk as before")


def test_many_small_files_are_bounded(host, told, record_property):
    if GVISOR:
        cannot(record_property, "38-inodes", "gVisor counts no inodes; its memory limit bounds them")
    if ENGINE != "docker":
        cannot(record_property, "38-inodes", "podman refuses nr_inodes")
    before = os.statvfs("/").f_ffree
    script = "cd /tmp; python3 -c 'import os\ntry:\n  for i in range(20000): os.close(os.open(str(i), os.O_CREAT))\nexcept OSError as e: print(e.errno, i)'"
    errno, made = host.sh(script, options=["--tmp-size", "64m"]).ok().text.split()
    assert errno == "28" and 16000 < int(made) < 16384
    assert os.statvfs("/").f_ffree > before - 2000
    told("38-inodes", f"ENOSPC after {made} files in 64 MiB")


def written_by_the_engine() -> int:
    """Bytes in the places where engines keep containers' logs."""
    total = 0
    for root in ("/var/lib/docker/containers", "/var/lib/containers/storage/overlay-containers",
                 "/home/jailtest/.local/share/containers/storage/overlay-containers"):  # fmt: skip
        for directory, _, names in os.walk(root):
            for name in names:
                try:
                    total += os.lstat(os.path.join(directory, name)).st_size
                except OSError:
                    pass
    return total


def test_a_flood_on_stdout_is_not_kept(host, told):
    if not IS_ROOT:
        pytest.skip("only root can see the engine's own files")
    before = written_by_the_engine()
    jail = host.start("head -c 40M /dev/zero | tr '\\0' x | fold -w 200; echo; echo done; sleep 20")
    assert jail.process.stdout
    said = 0
    while (line := jail.process.stdout.readline()) != b"done\n":
        said += len(line)
    assert said > 40 * MIB and written_by_the_engine() < before + 4 * MIB
    jail.end()
    told("39-log-flood", "40 MiB said, nothing kept")


def test_nothing_is_published(host, told):
    jail = host.start("sleep 20")
    config = host.only_jail()
    ports = {**(config["HostConfig"].get("PortBindings") or {}), **{k: v for k, v in (config["NetworkSettings"].get("Ports") or {}).items() if v}}
    assert not ports
    assert not config["HostConfig"].get("PublishAllPorts")
    jail.end()
    told("55-inbound", "none published")


@pytest.mark.parametrize("name", ["--privileged", "-v", "--cap-add=ALL", "a b,c:d=e\"f'g", "x,readonly", "..x", "$(id)", "`id`", "new\nline"])
def test_a_name_is_only_a_name(host, told, name):
    project = host.directory(name)
    (project / "marker").write_text("here\n")
    host._own(project / "marker")
    result = host.sh("cat marker; touch made; grep CapBnd /proc/self/status", project=project).ok()
    assert result.text.split() == ["here", "CapBnd:", "0000000000000000"]
    assert (project / "made").exists()
    told(f"56-project-named-{name!r}".replace("\n", " "), "exactly that directory")


def test_a_configuration_directory_that_is_not_safe_is_refused(host, told):
    project = host.project()
    elsewhere = host.directory("elsewhere")
    link = host.root / "link"
    link.symlink_to(elsewhere)
    loose = host.directory("loose")
    loose.chmod(0o777)
    for place, words in {link: "symbolic link", loose: "writable by others", project / "config": "configuration"}.items():
        result = host.jail("true", project=project, env={"JAILED_CONFIG_DIR": str(place)})
        assert result.status in (2, 125) and words in result.errors, (place, result)
    assert not list(elsewhere.iterdir()) and not list(loose.iterdir())
    told("57-configuration-directory", "refused")


def test_the_whole_home_and_the_configuration_are_refused(host, told):
    home = host.directory("a-home")
    env = {"HOME": str(home), "JAILED_CONFIG_DIR": str(home / ".config/jailed")}
    (home / ".config").mkdir()
    host._own(home / ".config")
    for place in ("/", home, home.parent, home / ".config"):
        result = host.jail("true", project=place, env=env)
        assert result.status == 2 and "Will not put" in result.errors, (place, result)
    told("58-root-home-configuration", "refused")


def test_a_state_directory_that_became_a_symlink_is_not_followed(host, told):
    """The jail cannot do this (59-swap-state-for-symlink); should anything else, jailed stops."""
    host.jail("true").ok()
    victim = host.directory("victim")
    (victim / "secret").write_text("x")
    for name in ("agents/claude", "cache"):
        place = host.config / name
        moved = place.with_name(place.name + "-moved")
        place.rename(moved)
        place.symlink_to(victim)
        result = host.sh(f"ls {HOME}/.claude {HOME}/.cache")
        assert result.status == 125 and "symbolic link" in result.errors, result
        assert "secret" not in result.text
        place.unlink()
        moved.rename(place)
    host.jail("true").ok()
    told("59-state-directory-is-a-symlink", "refused")


def test_links_in_a_state_directory_lead_nowhere(host, told):
    """What an agent leaves there is never followed by the host, and another jail sees its own files behind it."""
    secret = host.write(host.root / "outside/secret", "host secret")
    host.sh(f"ln -s {secret} ~/.claude/settings.json; ln -s {secret.parent} ~/.claude/projects").ok()
    again = host.sh("cat ~/.claude/settings.json ~/.claude/projects/secret")
    assert again.status != 0 and "host secret" not in again.text
    assert secret.read_text() == "host secret"
    told("59-links-in-state", "lead nowhere")


def test_system_directories_and_secret_stores_are_refused(host, told):
    home = host.directory("its-home")
    store = home / ".ssh"
    store.mkdir()
    host._own(store)
    env = {"HOME": str(home)}
    for place, waiver in {"/etc": "system-directory", "/usr/lib": "system-directory", "/var/lib": "system-directory", store: "secret-store"}.items():
        result = host.run("--dry-run", *host.bind(place), env=env)
        assert result.status == 2 and f"--allow {waiver}" in result.errors, (place, result)
    assert host.run("--dry-run", "--allow", "secret-store", *host.bind(store), env=env).status == 0
    told("58-system-directories-secret-stores", "refused, unless said twice")


@pytest.mark.skipif(not IS_ROOT, reason="only root can make another user's directory")
def test_another_users_directory_and_link_are_refused(engine, told):
    caller = engine.unprivileged_caller()
    if caller is None:
        pytest.skip("only root can call this engine")
    host = Host.create(engine, caller)
    try:
        foreign = host.directory("foreign", owner=(12345, 12345))
        result = host.run("--dry-run", *host.bind(foreign))
        assert result.status == 2 and "belongs to uid 12345" in result.errors
        assert host.run("--dry-run", "--allow", "foreign-project", *host.bind(foreign)).status == 0
        link = host.root / "link"
        link.symlink_to(host.project())
        os.chown(link, 12345, 12345, follow_symlinks=False)
        result = host.run("--dry-run", *host.bind(link))
        assert result.status == 2 and "symbolic link of somebody else's" in result.errors
    finally:
        host.close()
    told("58-another-users-directory", "refused, unless said twice")
