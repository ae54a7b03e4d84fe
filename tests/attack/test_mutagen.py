"""Attacks on the way home that Mutagen is: what a hostile jail brings onto the host, reads of it, or holds up."""
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import hostile_agent
import pytest

from support.git import Repository
from support.jail import GVISOR, Host, labels, wait_for
from support.sync import Synced, tree
from test_terminal import NAME, raw

pytestmark = pytest.mark.skipif(GVISOR, reason="not tried in gVisor")

PATIENCE = 60  # seconds for a jail's end, on a busy machine
CANARY = "canary-outside"


@pytest.fixture
def outside(synced) -> Path:
    place = synced.host.directory("outside")
    synced.host.write(place / "secret", CANARY)
    return place


def untouched(outside: Path) -> bool:
    return [(path.name, path.read_text()) for path in outside.iterdir()] == [("secret", CANARY)]


def end(synced: Synced, process: "subprocess.Popen[bytes]") -> str:
    _, err = process.communicate(timeout=PATIENCE)
    return err.decode(errors="replace")


def arrived(synced: Synced, name: str) -> None:
    wait_for(f"{name} is on the host", (synced.project / name).exists, 30)


def forget(synced: Synced) -> None:
    """What a session leaves for the user to decide on."""
    for session in (synced.host.config / "sessions").iterdir():
        shutil.rmtree(session)


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_link_that_comes_and_goes_is_never_written_through(synced, outside, told):
    """A directory that is a link to the outside every other moment, with a file written into it all the time."""
    script = f"for i in $(seq 60); do rm -rf d; ln -s {outside} d; sleep 0.0$((i % 7)); rm d; mkdir d; echo $i >d/secret; echo $i >d/f$i; sleep 0.0$((i % 5)); done; echo work >work"
    synced.run(script, timeout=PATIENCE).ok()
    assert untouched(outside)
    assert (synced.project / "work").read_text() == "work\n" and (synced.project / "d/secret").read_text() == "60\n"
    synced.nothing_left()
    told("7-mutagen-link-that-comes-and-goes", "never written through")


def test_whoever_writes_through_such_a_link_is_seen(synced, outside):
    """The control: the host's own tools follow it, and the look at the outside notices."""
    (synced.project / "d").symlink_to(outside)
    (synced.project / "d/secret").write_text("60\n")
    assert not untouched(outside)


def test_a_link_of_the_host_is_not_read_through(synced, outside, told):
    """It arrives as a link, which leads nowhere in the jail; the control is a directory."""
    (synced.project / "link").symlink_to(outside)
    shutil.copytree(outside, synced.project / "copy")
    synced.own()
    result = synced.run("cat copy/secret; test -L link && cat link/secret; grep -rs canary- /workspace --include=secret -l").ok()
    assert result.text.splitlines() == [CANARY + "/workspace/copy/secret"] or result.text == f"{CANARY}/workspace/copy/secret\n", result.text
    told("7-mutagen-link-of-the-host", "arrives as a link")


# --- repositories -------------------------------------------------------------------------------------------------------

PLANTED = ("sub/.git", "sub/deep/er/.git", "up/.GIT", "mixed/.GiT")
PLANT = "for d in sub sub/deep/er; do mkdir -p $d; git init -q $d; git -C $d config core.fsmonitor 'touch /tmp/RAN;false'; done; for d in up/.GIT mixed/.GiT; do mkdir -p $d; echo x >$d/config; done; mkdir file; echo 'gitdir: /tmp/x' >file/.git; ln -s sub/.git linked; ln -s sub/.git file/.GIT"


def repositories(project: Path) -> list[str]:
    """Whatever is called like a repository below the project's own."""
    return sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.name.lower() == ".git" and path.parent != project)


def test_no_repository_comes_home_by_any_spelling(synced, told):
    Repository(synced.host, synced.project)
    own = tree(synced.project / ".git")
    process = synced.ready(f"{PLANT}; echo '[core]' >>.git/config; echo m >marker; sleep 3")
    arrived(synced, "marker")
    during = repositories(synced.project)
    end(synced, process)
    assert during == [] and repositories(synced.project) == [] and tree(synced.project / ".git") == own
    synced.nothing_left()
    told("11-mutagen-repositories", "stay in the jail")


def test_without_the_patterns_they_come(synced):
    """The control: a mutagen that is not told to leave them out."""
    wrapper = synced.host.directory("wrapper")
    (wrapper / "mutagen").write_text(
        '#!/bin/bash\nwords=()\nwhile (($#)); do case "$1" in --ignore-vcs) ;; --ignore) shift ;; *) words+=("$1") ;; esac; shift; done\n'
        f'exec {synced.mutagen} "${{words[@]}}"\n')  # fmt: skip
    (wrapper / "mutagen").chmod(0o755)
    os.symlink(synced.mutagen.parent / "mutagen-agents.tar.gz", wrapper / "mutagen-agents.tar.gz")
    synced.host.environment["PATH"] = f"{wrapper}:{synced.host.environment['PATH']}"
    process = synced.ready(f"{PLANT}; echo m >marker; sleep 3")
    arrived(synced, "marker")
    wait_for("they come", lambda: set(PLANTED) <= set(repositories(synced.project)), 20)
    end(synced, process)
    forget(synced)


@pytest.fixture(scope="session")
def replaced_agent(tmp_path_factory) -> Path:
    program = hostile_agent.go()
    if program is None:
        pytest.skip("no Go that could build the agent")
    target = tmp_path_factory.mktemp("agent") / "mutagen-agent"
    hostile_agent.build(program, target)
    return target


def test_a_replaced_agent_does_not_change_the_repository(synced, replaced_agent, told):
    """The agent in the jail is the jail's. One that leaves nothing out brings nested repositories, as a mounted project would have
    them; at the end they are moved away, and the project's own one is as it was all the time."""
    Repository(synced.host, synced.project)
    synced.run("true").ok()
    (agent,) = (synced.host.root / "cache").rglob("mutagen-agent")
    shutil.copyfile(replaced_agent, agent)
    own = tree(synced.project / ".git")
    process = synced.ready(f"{PLANT}; echo '[core]\\n\\tfsmonitor = touch /tmp/RAN' >>.git/config; mkdir .git/hooks; echo x >.git/hooks/pre-commit; echo m >marker; sleep 4")
    arrived(synced, "marker")
    wait_for("they come", lambda: set(PLANTED) <= set(repositories(synced.project)), 20)  # or this agent is not the hostile one
    during = tree(synced.project / ".git")
    err = end(synced, process)
    assert during == own and tree(synced.project / ".git") == own
    assert repositories(synced.project) == [] and "moved away" in err, err
    forget(synced)
    assert synced.volumes() == []
    told("11-mutagen-replaced-agent", "the repository is as it was; nested ones are moved away at the end")


# --- what is no file, and names -----------------------------------------------------------------------------------------


def test_fifos_sockets_and_devices_do_not_come(synced, told):
    script = ("mkfifo fifo; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('socket')\"; ln -s /dev/zero zero; mkdir -p d; mkfifo d/fifo; "
              "mknod device c 1 5 2>/dev/null; echo work >work")  # fmt: skip
    result = synced.run(script, timeout=PATIENCE).ok()
    kinds = {path.name: stat.S_IFMT(path.lstat().st_mode) for path in synced.project.rglob("*")}
    assert set(kinds.values()) <= {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK} and "work" in kinds, (kinds, result.errors)
    sessions = synced.host.config / "sessions"
    if sessions.exists():
        forget(synced)  # the link leads out
    synced.nothing_left()
    told("7-mutagen-fifos-sockets-devices", "stay in the jail")


def test_modes_and_hostile_names(synced, told):
    """Set-uid bits stay there; names are text, and one that is no text is named as such."""
    result = synced.run(f"cp /usr/bin/id tool; chmod 6755 tool; python3 - <<'END'\nopen({NAME!r}, 'w').close()\nopen(b'raw\\xff\\x1b[31m', 'w').close()\nEND\necho work >work", timeout=PATIENCE)
    assert not raw(result.errors), result.errors
    assert (synced.project / "work").exists() and (synced.project / NAME).exists()
    assert stat.S_IMODE((synced.project / "tool").stat().st_mode) == 0o755
    if not synced.volumes():
        told("56-mutagen-names-and-modes", "set-uid is dropped; names are text")
    else:  # it says that a name could not be brought home, and keeps the jail's side
        assert "jailed sync recover" in result.errors and "raw" in result.errors, result.errors
        told("56-mutagen-names-and-modes", "set-uid is dropped; a name that is no UTF-8 is kept and told")
        synced.close()
        forget(synced)


# --- holding things up --------------------------------------------------------------------------------------------------

# Stops Mutagen's agent again and again, under its name; 60 seconds at the most. Whoever stops all that the engine starts in a jail can hold up
# Docker itself for that container, which no test does to an engine that others use: see docs/security-model.md.
LIKE_THE_AGENT = ("import ctypes, glob, os, signal, time\nctypes.CDLL(None).prctl(15, b'mutagen-agent')\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
                  "end = time.time() + 60\nwhile time.time() < end:\n  for p in glob.glob('/proc/[0-9]*'):\n    try:\n"
                  "      if '/.mutagen/agents/' in os.readlink(p + '/exe'): os.kill(int(p[6:]), signal.SIGSTOP)\n    except OSError: pass\n")  # fmt: skip

HOLD_UPS = {
    "a FIFO where a number was": "rm /run/jailed-*; mkfifo /run/jailed-keeper /run/jailed-command; sleep 600",
    "a number of all processes": "for f in /run/jailed-*; do echo -1 >$f; done; sleep 600",
    "a pattern where a number was": "for f in /run/jailed-*; do echo '*' >$f; done; sleep 600",
    "no way into /run": "rm -f /run/jailed-*; chmod 0 /run; sleep 600",
    "the agent is stopped": "pkill -STOP mutagen-agent; sleep 600",
    "the agent is stopped, under its name": f"exec python3 -c \"{LIKE_THE_AGENT}\"",
    "the agent's files are links": "cd ~/.mutagen; for d in archives caches daemon sessions staging; do rm -rf $d; ln -s /etc $d; done; sleep 600",
}


@pytest.mark.parametrize("how", HOLD_UPS)
def test_a_jail_left_running_cannot_hold_up_its_end(synced, outside, how, told):
    name = synced.host.run("--detach", synced.project).ok().text.strip()
    synced.host.run("exec", name, "--", "bash", "-c", "echo work >work").ok()
    hostile = synced.host.start_raw("exec", name, "--", "bash", "-c", f"echo ready; {HOLD_UPS[how]}")
    assert hostile.stdout and hostile.stdout.readline() == b"ready\n"
    time.sleep(1)
    began = time.monotonic()
    result = synced.host.run("stop", name, timeout=PATIENCE)
    took = time.monotonic() - began
    hostile.kill()
    hostile.wait()
    assert result.status == 0, result.errors
    assert (synced.project / "work").read_text() == "work\n" and untouched(outside)
    synced.nothing_left()
    told(f"22-mutagen-hold-up-stop: {how}", "ended, the work is home")
    assert took < PATIENCE


@pytest.mark.parametrize("how", ["a FIFO where a number was", "the agent is stopped, under its name"])  # 20 s each
def test_a_jail_in_the_foreground_cannot_hold_up_its_end(synced, how, told):
    process = synced.ready(f"echo work >work; sleep 1; {HOLD_UPS[how]}")
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    err = end(synced, process)
    assert (synced.project / "work").exists(), err
    synced.nothing_left()
    told(f"22-mutagen-hold-up-term: {how}", "ended, the work is home")


def test_without_a_deadline_one_is_held_up(synced):
    """The control: a flush and a read of the note, which jailed does at the end, as they are without what jailed does about it."""
    name = synced.host.run("--detach", synced.project).ok().text.strip()
    session = labels(synced.host.only_jail())["jailed.session"]
    synced.host.run("exec", name, "--", "bash", "-c", "rm /run/jailed-keeper; mkfifo /run/jailed-keeper; pkill -STOP mutagen-agent").ok()
    with pytest.raises(subprocess.TimeoutExpired):
        synced.host.engine.run("exec", name, "cat", "/run/jailed-keeper", timeout=4)
    with pytest.raises(subprocess.TimeoutExpired):
        synced.client("sync", "flush", f"jailed-{session}", timeout=6)
    synced.host.run("stop", name, timeout=PATIENCE).ok()
    synced.nothing_left()


def test_who_is_in_a_hostile_jail_gets_out(host: Host, told):
    """TERM to `jailed exec`, whose note of its number in the jail is a FIFO by then."""
    name = host.run("--detach", *host.bind()).ok().text.strip()
    swap = "while :; do for f in /run/jailed-entered-*; do [ -f $f ] && rm -f $f && mkfifo $f; done; done 2>/dev/null"
    host.run("exec", name, "--", "bash", "-c", f"setsid nohup bash -c '{swap}' >/dev/null 2>&1 & sleep 0.5").ok()
    process = host.start_raw("exec", name, "--", "bash", "-c", "trap '' TERM HUP; echo ready; sleep 600")
    assert process.stdout and process.stdout.readline() == b"ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.wait(40)
    host.run("stop", name, timeout=PATIENCE).ok()
    told("22-term-to-exec-in-a-hostile-jail", "jailed ends")
