"""Mutagen mode with the real mutagen: what is in the project afterwards is what was done on both sides."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.git import Repository
from support.jail import labels, wait_for
from support.sync import kill_at, tree

pytestmark = pytest.mark.side_by_side

ROUNDS = int(os.environ.get("JAILED_TEST_ROUNDS", "20"))


def test_work_comes_home_and_nothing_stays(synced):
    (synced.project / "mine").write_text("mine\n")
    result = synced.run("cat mine; echo theirs >theirs; exit 5")
    assert (result.status, result.text) == (5, "mine\n")
    assert (synced.project / "theirs").read_text() == "theirs\n"
    assert (synced.project / "theirs").owner() == synced.project.owner()
    synced.nothing_left()


def test_modes_links_deletes_renames_and_names(synced):
    project = synced.project
    for name in ("gone", "renamed", "tool", "plain"):
        (project / name).write_text(name)
    (project / "tool").chmod(0o755)
    (project / "directory/below").mkdir(parents=True)
    (project / "directory/below/file").write_text("x")
    (project / "link").symlink_to("directory/below")
    synced.own()
    synced.run(
        "set -e; test -x tool; test ! -x plain; test $(readlink link) = directory/below; rm gone; mv renamed new; mv directory moved\n"
        "chmod +x plain; chmod -x tool; rm link; ln -s moved/below link; ln -s /etc/passwd absolute; ln -s ../../.. out\n"
        "echo u >'grün ☃'; echo n >$'new\\nline'; echo s >' \"quoted\" $x'; mkdir empty; : >zero"
    ).ok()
    assert tree(project) == {
        b"new": (hashlib.sha256(b"renamed").hexdigest(), False),
        b"tool": (hashlib.sha256(b"tool").hexdigest(), False),
        b"plain": (hashlib.sha256(b"plain").hexdigest(), True),
        b"moved": "directory",
        b"moved/below": "directory",
        b"moved/below/file": (hashlib.sha256(b"x").hexdigest(), False),
        b"link": ("link", b"moved/below"),
        "grün ☃".encode(): (hashlib.sha256(b"u\n").hexdigest(), False),
        b"new\nline": (hashlib.sha256(b"n\n").hexdigest(), False),
        b' "quoted" $x': (hashlib.sha256(b"s\n").hexdigest(), False),
        b"empty": "directory",
        b"zero": (hashlib.sha256(b"").hexdigest(), False),
    }
    # Links that leave the project come as far as the quarantine (docs/host-execution.md).
    assert {f"{project}/absolute", f"{project}/out"} <= set(synced.take_quarantine().split())
    synced.nothing_left()


def test_a_link_that_leaves_the_project_is_never_written_through(synced):
    outside = synced.host.directory("outside")
    (synced.project / "d").mkdir()
    (synced.project / "d/file").write_text("old")
    synced.own()
    synced.run(f"rm -r d; ln -s {outside} d; sleep 2.5; rm d; mkdir d; echo new >d/file; ln -s {outside} e").ok()
    assert list(outside.iterdir()) == []
    assert (synced.project / "d/file").read_text() == "new\n"
    assert f"{synced.project}/e" in synced.take_quarantine().split()
    synced.nothing_left()


def test_git_is_the_jail_s_own_and_commits_come_home(synced):
    repo = Repository(synced.host, synced.project)
    (synced.project / "nested").mkdir()
    synced.own()
    repo.git("init", "-q", cwd=synced.project / "nested")
    before = tree(synced.project / "nested/.git")
    done = synced.run("set -e; git status --porcelain; test ! -e nested/.git/HEAD; mkdir -p nested/.git; touch nested/.git/y other\n"
                      "echo changed >a; git add a other; git commit -qm work; git rev-parse HEAD; git status --porcelain").ok()  # fmt: skip
    lines = done.text.split("\n")
    assert [line for line in lines if line.startswith(" M")] == []
    assert repo.git("rev-parse", "HEAD") in lines
    assert repo.status() in ("", "?? nested/")
    assert (synced.project / "a").read_text() == "changed\n"
    assert tree(synced.project / "nested/.git") == before
    repo.assert_sound()
    synced.nothing_left()


def test_a_submodule_works(synced):
    lib = Repository.create(synced.host, "lib")
    repo = Repository(synced.host, synced.project)
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(lib.path), "deps/lib")
    repo.git("commit", "-qm", "a submodule")
    gitfile = (synced.project / "deps/lib/.git").read_bytes()
    done = synced.run("set -e; git status --porcelain; cd deps/lib; git log --oneline -1; echo new >new; git add new; git commit -qm x; git rev-parse HEAD").ok()
    assert repo.git("rev-parse", "HEAD", cwd=synced.project / "deps/lib") == done.text.split()[-1]
    assert (synced.project / "deps/lib/.git").read_bytes() == gitfile
    synced.nothing_left()


@pytest.mark.slow
@pytest.mark.timeout(60 + 5 * ROUNDS)
def test_the_last_write_always_arrives(synced):
    for number in range(ROUNDS):
        synced.run(f"echo {number} >last; (sleep 0.0{random.randrange(10)}; echo {number} >>late) & wait").ok()
        assert (synced.project / "last").read_text() == f"{number}\n"
        assert (synced.project / "late").read_text().split() == [str(n) for n in range(number + 1)]
    synced.nothing_left()


@pytest.mark.slow
def test_random_edits_on_both_sides(synced):
    chance = random.Random(os.environ.get("JAILED_TEST_SEED", "7"))
    project = synced.project
    for number in range(5000):
        directory = project / f"d{number % 97}"
        directory.mkdir(exist_ok=True)
        (directory / f"f{number}").write_bytes(chance.randbytes(chance.randrange(3000)))
    synced.own()
    # The jail takes files whose number is even, the host the odd ones: no conflicts, at the same time.
    script = (
        "import os,random,hashlib,time\nc=random.Random(3)\n"
        "for r in range(400):\n"
        "  n=c.randrange(2500)*2; p=f'd{n%97}/f{n}'; w=c.randrange(4)\n"
        "  if w==0 and os.path.exists(p): os.remove(p)\n"
        "  elif w==1: open(p,'wb').write(c.randbytes(c.randrange(3000)))\n"
        "  elif w==2 and os.path.exists(p): os.chmod(p,0o755)\n"
        "  else: open(f'd{n%97}/new{r}','wb').write(c.randbytes(50))\n"
        "  time.sleep(0.01)\n"
        "h=[]\n"
        "for r,_,fs in os.walk('.'):\n"
        "  for f in fs:\n"
        "    p=os.path.join(r,f)[2:]\n"
        "    n=f.lstrip('f')\n"
        "    if not n.isdigit() or int(n)%2==0:\n"
        "      if not f.startswith('host'): h.append(p+' '+hashlib.sha256(open(p,'rb').read()).hexdigest()+' '+str(bool(os.stat(p).st_mode&64)))\n"
        "open('/workspace/manifest','w').write('\\n'.join(sorted(h)))\n"
    )
    process = synced.ready(f"python3 -c \"$(cat <<'END'\n{script}END\n)\"")
    expected: dict[str, object] = {}
    for number in range(400):
        odd = chance.randrange(2500) * 2 + 1
        path = project / f"d{odd % 97}/f{odd}"
        match chance.randrange(3):
            case 0:
                path.unlink(missing_ok=True)
                expected[str(path)] = None
            case 1:
                data = chance.randbytes(chance.randrange(3000))
                path.write_bytes(data)
                expected[str(path)] = data
            case _:
                new = project / f"d{odd % 97}/host{number}"
                new.write_bytes(b"h")
                expected[str(new)] = b"h"
        time.sleep(0.01)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    for path, data in expected.items():
        assert (Path(path).read_bytes() if Path(path).exists() else None) == data, path
    home = []
    for path in project.rglob("*"):
        name = path.name
        number = name.lstrip("f")
        if path.is_file() and name != "manifest" and not name.startswith("host") and (not number.isdigit() or int(number) % 2 == 0):
            home.append(f"{path.relative_to(project)} {hashlib.sha256(path.read_bytes()).hexdigest()} {bool(path.stat().st_mode & 64)}")
    assert sorted(home) == (project / "manifest").read_text().split("\n")
    synced.nothing_left()


def test_a_conflict_keeps_both_sides(synced):
    (synced.project / "both").write_text("before\n")
    # Mutagen is held still while both sides change, so that neither comes first.
    process = synced.ready("until [ -e /tmp/go ]; do sleep 0.1; done")
    name = labels(synced.host.only_jail())["jailed.session"]

    container = synced.host.only_jail()["Id"]
    synced.client("sync", "pause", f"jailed-{name}")
    (synced.project / "both").write_text("host\n")
    synced.host.engine.run("exec", container, "sh", "-c", "echo jail >/workspace/both")
    synced.client("sync", "resume", f"jailed-{name}")
    synced.host.engine.run("exec", container, "sh", "-c", "touch /tmp/go")
    _, err = process.communicate(timeout=60)
    assert (synced.project / "both").read_text() == "host\n"
    archives = list((synced.host.config / "sessions" / name / "conflicts").iterdir())
    assert len(archives) == 1
    assert "both" in err.decode() and str(archives[0]) in err.decode()
    assert subprocess.run(["tar", "-xOf", archives[0], "both"], check=True, capture_output=True).stdout == b"jail\n"
    assert synced.volumes() == []
    shutil.rmtree(synced.host.config / "sessions" / name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_asked_to_end(synced, number):
    process = synced.ready("trap 'echo tidy >tidied; exit 7' TERM HUP; while :; do sleep 0.1; done")
    process.send_signal(number)
    assert process.wait(30) == 7
    assert (synced.project / "tidied").read_text() == "tidy\n"
    synced.nothing_left()


@pytest.mark.parametrize("command, status", [("exit 42", 42), ("kill -9 $$", 137), ("exec no-such-thing", 127)])
def test_exit_statuses(synced, command, status):
    assert synced.run(command).status == status


def test_a_command_that_is_not_there(synced):
    result = synced.host.run(synced.project, "--", "no-such-command")
    assert result.status == 127 and "no-such-command" in result.errors
    synced.nothing_left()


def test_an_image_that_is_not_there_leaves_nothing(synced):
    result = synced.run("true", env={"JAILED_IMAGE": "jailed:no-such-image"})
    assert result.status == 125 and "not found" in result.errors
    assert synced.volumes() == [] and not synced.host.jails()


# --- kill -9 ------------------------------------------------------------------------------------


def test_killed_while_the_command_works(synced):
    process = synced.ready("echo work >work; rm -f old; sleep 60")
    time.sleep(0.3)
    process.kill()
    process.wait()
    synced.host.wait_until_no_jail(6)
    result = synced.run("cat work").ok()  # the next start brings it home
    assert result.text == "work\n"
    assert (synced.project / "work").read_text() == "work\n"
    synced.nothing_left()


def test_the_container_is_killed(synced):
    process = synced.ready("echo work >work; sleep 60")
    container = synced.host.only_jail()["Id"]
    synced.host.engine.run("kill", container)
    process.wait(60)
    assert (synced.project / "work").read_text() == "work\n"
    synced.nothing_left()


def test_mutagen_s_daemon_is_killed(synced):
    process = synced.ready("sleep 2; echo work >work")
    os.kill(synced.daemon(), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert (synced.project / "work").read_text() == "work\n", err.decode()
    synced.nothing_left()


# Every step that changes something, in the order of a launch; jailed is killed before it and after it.
POINTS = ["docker volume create", "docker run", "mutagen sync create", "mutagen sync flush", "docker exec -i ",
          "docker exec jailed-", "docker rm", "docker volume rm", "mutagen sync terminate"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(synced, point, when):
    (synced.project / "mine").write_text("mine\n")
    engine = synced.host.engine.client
    result = synced.run("echo work >work", env=kill_at(synced.host, point, when, synced.mutagen))
    assert result.status in (-9, 137), (result.status, result.errors)
    point = point.replace("docker", engine)
    points = [name.replace("docker", engine) for name in POINTS]
    worked = points.index(point) > points.index(f"{engine} exec -i ") or (point, when) == (f"{engine} exec -i ", "after")
    synced.host.wait_until_no_jail(8)
    synced.run("true").ok()
    assert (synced.project / "mine").read_text() == "mine\n"
    if worked:
        assert (synced.project / "work").read_text() == "work\n"
    synced.nothing_left()


def test_two_at_once_do_not_disturb_each_other(synced):
    first = synced.ready("sleep 3; echo 1 >one")
    second = synced.run("echo 2 >two").ok()
    assert first.wait(30) == 0
    assert sorted(path.name for path in synced.project.iterdir()) == ["one", "two"]
    synced.nothing_left()


# --- what stands between the work and the host ----------------------------------------------------


def kept(synced) -> str:
    """The name of the only volume, of which `jailed ls` says that its work is not home."""
    (name,) = synced.volumes()
    synced.host.wait_until_no_jail(10)
    listed = json.loads(synced.host.run("ls", "--json").ok().text)
    assert [jail["state"] for jail in listed if jail["name"] == name] == ["unsynced"]
    return name


def recovered(synced) -> None:
    synced.host.run("sync", "recover", kept(synced), timeout=90).ok()
    synced.nothing_left()


def test_a_file_in_the_way_keeps_the_volume(synced):
    """The host's side cannot be written: the work stays where it is, the user is told, and brings it home later."""
    (synced.project / "d").mkdir()
    (synced.project / "d/file").write_text("old")
    synced.own()
    subprocess.run(["chattr", "+i", synced.project / "d/file"], check=True)
    try:
        result = synced.run("rm d/file; echo new >d/file; echo more >d/more; ln -s /etc/passwd leads-out")
        assert result.status == 125 and "jailed sync recover" in result.errors, result
        assert (synced.project / "d/file").read_text() == "old"
        # Not home is no reason not to look at what came.
        assert "moved away" in result.errors and not (synced.project / "leads-out").is_symlink(), result.errors
        # Whoever starts another jail has nothing to do with it.
        other = synced.host.run(synced.host.project("other"), "--", "true").ok()
        assert "d/file" not in other.errors and "recover" not in other.errors, other.errors
        assert "jailed sync recover" in synced.run("true").errors
        again = synced.host.run("sync", "recover", kept(synced), timeout=90)
        assert again.status == 125 and "d/file" in again.errors
        kept(synced)
    finally:
        subprocess.run(["chattr", "-i", synced.project / "d/file"], check=True)
    synced.host.run("sync", "recover", kept(synced), timeout=90).ok()
    assert (synced.project / "d/file").read_text() == "new\n"
    assert (synced.project / "d/more").read_text() == "more\n"
    synced.take_quarantine()
    synced.nothing_left()


@pytest.fixture
def small_disk(synced):
    """The project on a file system of 12 MB of its own."""
    disk = synced.host.root / "disk"
    subprocess.run(["truncate", "-s", "12M", disk], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    mounted = subprocess.run(["mount", "-o", "loop", disk, synced.project], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system of our own here: {mounted.stderr}")
    shutil.rmtree(synced.project / "lost+found")
    synced.own()
    yield synced
    subprocess.run(["umount", "-l", synced.project], check=True)


def test_the_host_s_disk_is_full(small_disk):
    synced = small_disk
    (synced.project / "ballast").write_bytes(b"x" * 7_000_000)
    (synced.project / "old").write_text("old\n")
    synced.own()
    result = synced.run("head -c 8000000 /dev/zero | tr '\\0' y >big; echo small >small; echo new >old")
    assert "no space left" in result.errors and "jailed sync recover" in result.errors, result.errors
    assert (synced.project / "ballast").stat().st_size == 7_000_000
    assert not (synced.project / "big").exists()
    (synced.project / "ballast").unlink()
    recovered(synced)
    assert (synced.project / "big").read_bytes() == b"y" * 8_000_000
    assert (synced.project / "small").read_text() == "small\n" and (synced.project / "old").read_text() == "new\n"
    assert not (synced.project / "ballast").exists()


def broken_mutagen(synced, words: str) -> dict[str, str]:
    """A mutagen that says these words instead of asking its daemon, as soon as the file `broken` is there."""
    place = synced.host.directory("broken-mutagen")
    (place / "mutagen").write_text(
        f'#!/bin/sh\nif [ -e {synced.host.root}/broken ] && [ "$1" != version ]; then echo "Error: {words}" >&2; exit 1; fi\n'
        f'exec {synced.mutagen} "$@"\n')  # fmt: skip
    (place / "mutagen").chmod(0o755)
    os.symlink(synced.mutagen.parent / "mutagen-agents.tar.gz", place / "mutagen-agents.tar.gz")
    return {"PATH": f"{place}:{synced.host.environment['PATH']}"}


OTHER_VERSION = "unable to connect to daemon: client/daemon version mismatch (daemon restart recommended)"
NO_DAEMON = "unable to connect to daemon: connection timed out (is the daemon running?)"


def test_a_daemon_of_another_version_starts_nothing(synced):
    environment = broken_mutagen(synced, OTHER_VERSION)
    (synced.host.root / "broken").touch()
    result = synced.run("true", env=environment)
    assert result.status == 125 and "mutagen daemon stop && mutagen daemon start" in result.errors
    synced.nothing_left()


@pytest.mark.parametrize("words", [OTHER_VERSION, NO_DAEMON], ids=["another version", "dead"])
def test_the_daemon_can_no_longer_be_asked_at_the_end(synced, words):
    (synced.project / "mine").write_text("mine\n")
    synced.own()
    process = synced.ready("sleep 2; echo late >late; rm mine", env=broken_mutagen(synced, words))
    (synced.host.root / "broken").touch()
    _, err = process.communicate(timeout=60)
    assert b"jailed sync recover" in err, err
    recovered(synced)
    assert (synced.project / "late").read_text() == "late\n" and not (synced.project / "mine").exists()


@pytest.mark.parametrize("seconds", [3, 12])
def test_a_daemon_that_sleeps_as_a_closed_laptop_does(synced, seconds):
    (synced.project / "mine").write_text("x")
    synced.own()
    process = synced.ready("sleep 1; echo early >early; rm mine; sleep 1; echo late >late")
    daemon = synced.daemon()
    os.kill(daemon, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(daemon, signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert (synced.project / "early").read_text() == "early\n" and (synced.project / "late").read_text() == "late\n"
    assert not (synced.project / "mine").exists()
    synced.nothing_left()


def test_out_of_memory(synced):
    """The kernel kills what takes too much: the command, and what it wrote before is home."""
    if synced.host.engine.rootless:
        pytest.skip("no memory limit here")
    (synced.project / "mine").write_text("x")
    synced.own()
    result = synced.run("echo work >work; rm mine; tail /dev/zero", env={"JAILED_MEMORY": "300m"})
    assert result.status in (137, 143), result
    assert (synced.project / "work").read_text() == "work\n" and not (synced.project / "mine").exists()
    synced.nothing_left()


@pytest.mark.parametrize("command", ["pkill -9 mutagen-agent; sleep 1", "kill -9 -1"])
def test_the_jail_kills_the_sync_s_own_processes(synced, command):
    """It may: it has the same uid. The work comes home all the same."""
    (synced.project / "mine").write_text("x")
    synced.own()
    synced.run(f"for i in $(seq 300); do echo $i >f$i; done; rm mine; {command}; echo after >after", timeout=90)
    assert [int((synced.project / f"f{number}").read_text()) for number in range(1, 301)] == list(range(1, 301))
    assert not (synced.project / "mine").exists()
    synced.nothing_left()


def test_the_container_is_killed_in_mid_sync(synced):
    process = synced.ready("for i in $(seq 3000); do echo $i >f$i; done; echo done; sleep 60")
    process.stdout.readline()
    synced.host.engine.run("kill", synced.host.only_jail()["Id"])
    process.wait(90)
    assert len(list(synced.project.glob("f*"))) == 3000
    synced.nothing_left()
