"""Jails that live on: left, listed, entered, stopped; with bind mounts and with Mutagen."""
import json
import os
import re
import signal
import time

import pytest

from support.git import Repository
from support.jail import GVISOR, wait_for
from support.sync import Synced, kill_at

pytestmark = [pytest.mark.side_by_side]


class Life:
    """A project, and how it gets into its jails."""

    def __init__(self, host, mode: str, mutagen) -> None:
        self.host = host
        self.mode = mode
        self.synced = Synced(host, mutagen) if mode == "mutagen" else None
        self.project = host.project()
        if self.synced is None:
            host.environment["JAILED_SYNC_STRATEGY"] = "bind"

    def run(self, *words, **how):
        return self.host.run(*words, **{"cwd": self.project, **how})

    def detach(self) -> str:
        name = self.run("--detach").ok().text.strip()
        assert re.fullmatch(r"jailed-project-[0-9a-f]{12}", name)
        return name

    def exec(self, script: str, *jail, **how):
        return self.run("exec", *jail, "--", "bash", "-c", script, **how)

    # Always by name: where this project has no jail, one of somebody else's could be the only one.
    def stop(self) -> None:
        self.run("stop", self.project, timeout=90).ok()

    def recover(self) -> None:
        self.run("sync", "recover", self.project, timeout=90).ok()

    def listed(self) -> dict[str, dict]:
        """This host's jails as `jailed ls` shows them, by name."""
        found = json.loads(self.run("ls", "--json").ok().text)
        return {jail["name"]: jail for jail in found if jail["project"].startswith(str(self.host.root))}

    def in_foreground(self, script: str):
        return self.synced.ready(script) if self.synced else self.host.start(script)

    def nothing_left(self) -> None:
        if self.synced:
            self.synced.nothing_left()
        else:
            self.host.wait_until_no_jail(10)
            assert self.host.leftovers() == []

    def close(self) -> None:
        if self.synced:
            self.synced.close()


@pytest.fixture(params=["bind", "mutagen"])
def life(request, host, mutagen):
    made = Life(host, request.param, mutagen)
    yield made
    made.close()


@pytest.fixture
def synced_life(host, mutagen):
    made = Life(host, "mutagen", mutagen)
    yield made
    made.close()


@pytest.fixture
def bound_life(host, mutagen):
    made = Life(host, "bind", mutagen)
    yield made
    made.close()


@pytest.mark.skipif(GVISOR, reason="what runs there is no process of the host")
def test_ls_tells_engine_and_agents(bound_life):
    """Agents are seen in the host's /proc, those that were entered later too; what only bears a word of theirs is none."""
    name = bound_life.detach()

    def listed():
        found = bound_life.listed()[name]
        return found["engine"], found["agents"]

    client = bound_life.host.engine.client
    assert listed() == (client, [])
    bound_life.exec("(exec -a vim sleep 60 claude) >/dev/null 2>&1 & (exec -a codex sleep 60) >/dev/null 2>&1 &").ok()
    assert listed() == (client, ["codex"])
    bound_life.exec("(exec -a claude sleep 60) >/dev/null 2>&1 &").ok()
    assert listed() == (client, ["claude", "codex"])
    (line,) = [line for line in bound_life.run("ls").ok().text.splitlines() if line.startswith(name)]
    assert line.endswith("  claude,codex") and f"  {client}  " in line
    bound_life.stop()
    bound_life.nothing_left()


def test_a_life(life):
    """Left running, listed, entered twice, stopped: files and commits are home."""
    repo = Repository.create(life.host)
    name = life.detach()
    assert life.host.only_jail()["State"]["Running"]
    listed = life.listed()
    assert list(listed) == [name]
    assert (listed[name]["state"], listed[name]["sync"], listed[name]["detached"]) == ("running", life.mode, True)
    assert listed[name]["project"] == str(life.project)

    result = life.exec("echo out; echo err >&2; cat >typed; id -u >uid; exit 5", stdin=b"in\n")
    assert (result.status, result.text, result.errors) == (5, "out\n", "err\n")

    session = life.host.terminal("shell", name)
    session.expect(r"\[jail:")
    session.sendline("tty; echo shell >from-shell; git add -A; git commit -qm work; echo do''ne")
    session.expect("done")
    session.sendline("exit")
    session.expect("(?s).*$")
    wait_for("the shell's end", lambda: not session.isalive())
    assert life.host.only_jail()["State"]["Running"]  # a shell's end is not the jail's

    tip = life.exec("git rev-parse HEAD").ok().text.strip()
    life.stop()
    assert (life.project / "typed").read_text() == "in\n"
    assert (life.project / "from-shell").read_text() == "shell\n"
    assert repo.git("rev-parse", "HEAD") == tip
    repo.assert_sound()
    life.nothing_left()
    assert life.listed() == {}


def test_it_outlives_whoever_started_it_and_the_next_launches(life):
    name = life.detach()
    life.exec("echo 1 >/tmp/state").ok()
    life.run(".", "--", "true").ok()  # sweeps
    assert life.exec("cat /tmp/state", name).ok().text == "1\n"
    life.run("stop", name).ok()
    life.nothing_left()


def test_the_walls_are_there_for_who_enters(life):
    life.detach()
    status = life.exec("cat /proc/self/status").ok().text
    assert re.search(r"^CapEff:\t0+$", status, re.M) and re.search(r"^CapBnd:\t0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
    assert life.exec("touch /x").status != 0 and life.exec("test $(id -u) != 0").status == 0
    life.stop()
    life.nothing_left()


def test_two_at_once(life):
    first, second = life.detach(), life.detach()
    assert set(life.listed()) == {first, second}
    refused = life.exec("true", life.project)
    assert refused.status == 2 and first in refused.errors and second in refused.errors
    life.exec("echo 1 >one", first).ok()
    life.exec("echo 2 >two", second[-12:]).ok()
    life.run("stop", first).ok()
    assert set(life.listed()) == {second}
    assert (life.project / "one").read_text() == "1\n"
    life.exec("true").ok()  # now it is clear which one
    third = life.detach()
    life.run("stop", second, third).ok()
    assert (life.project / "two").read_text() == "2\n"
    life.nothing_left()


def test_a_jail_in_the_foreground_is_stopped_from_another_terminal(life):
    process = life.in_foreground("trap 'echo tidy >tidied; exit 7' TERM; while :; do sleep 0.1; done")
    life.stop()
    assert process.wait(10) == 7
    assert (life.project / "tidied").read_text() == "tidy\n"
    life.nothing_left()


def test_a_shell_in_the_foreground_is_stopped_from_another_terminal(life):
    session = life.host.terminal(*([] if life.synced else ["--sync", "bind"]), str(life.project))
    session.expect(r"\[jail:")
    session.sendline("echo work >work; echo do''ne")
    session.expect("done")
    life.stop()
    session.expect("(?s).*$")
    wait_for("jailed's end", lambda: not session.isalive())
    assert (life.project / "work").read_text() == "work\n"
    life.nothing_left()


def test_term_ends_what_was_entered_and_not_the_jail(life):
    life.detach()
    process = life.host.start_raw("exec", str(life.project), "--", "bash", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done")
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 7
    assert life.exec("pgrep -c bash || true").ok().text.strip() in ("0", "1")  # this one
    life.stop()
    life.nothing_left()


def test_the_engine_s_client_is_killed_while_somebody_is_in(life):
    life.detach()
    process = life.host.start_raw("exec", str(life.project), "--", "bash", "-c", "echo ready; sleep 60")
    assert process.stdout.readline() == b"ready\n"
    (client,) = children(process.pid)
    os.kill(client, signal.SIGKILL)
    assert process.wait(10) != 0
    life.exec("echo still >still").ok()
    life.stop()
    assert (life.project / "still").read_text() == "still\n"
    life.nothing_left()


def children(parent: int) -> list[int]:
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def test_the_container_was_removed_behind_our_back(bound_life):
    """Nothing is lost: the files are the project's own, and the commits are offered."""
    life = bound_life
    repo = Repository.create(life.host)
    name = life.detach()
    life.exec("echo work >work; git add work; git commit -qm work").ok()
    life.host.engine.remove(name)
    listed = life.run("ls", "--json").ok()
    assert json.loads(listed.text) == [] or name not in listed.text
    assert f"jailed git import {name[-12:]}" in listed.errors
    life.run("git", "import", name[-12:]).ok()
    assert repo.git("log", "-1", "--format=%s") == "work"
    life.nothing_left()


def test_the_container_was_removed_and_nothing_was_done_in_it(bound_life):
    name = bound_life.detach()
    bound_life.host.engine.remove(name)
    assert bound_life.exec("true", bound_life.project).status == 2
    bound_life.nothing_left()


@pytest.mark.parametrize("how", ["killed", "removed"])
def test_the_container_of_a_synced_jail_is_gone(synced_life, how):
    life = synced_life
    repo = Repository.create(life.host)
    name = life.detach()
    life.exec("echo work >work; git add work; git commit -qm work; echo late >late; rm -f a").ok()
    life.host.engine.run(*(["kill", name] if how == "killed" else ["rm", "--force", name]))
    life.host.wait_until_no_jail(10)
    assert life.listed()[name]["state"] == "unsynced"
    assert f"{name}  {life.project}  unsynced" in life.run("sync", "status").ok().text
    assert life.exec("true", life.project).status == 2
    life.recover()
    assert (life.project / "late").read_text() == "late\n" and not (life.project / "a").exists()
    assert repo.git("log", "-1", "--format=%s") == "work"
    life.nothing_left()


def test_the_container_of_a_synced_jail_goes_while_it_is_stopped(synced_life):
    life = synced_life
    name = life.detach()
    life.exec("echo late >late").ok()
    life.host.engine.run("kill", name)
    life.run("stop", name, timeout=90)  # by its note, or, once it is known to be gone, not at all
    if life.listed():
        life.recover()
    assert (life.project / "late").read_text() == "late\n"
    life.nothing_left()


STOPS = {"bind": ["docker stop"],
         "mutagen": ["docker exec jailed-", "mutagen sync flush", "docker rm", "docker volume rm", "mutagen sync terminate"]}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("mode, point", [(mode, point) for mode, points in STOPS.items() for point in points])
def test_killed_while_it_stops_a_jail(host, mutagen, mode, point, when):
    life = Life(host, mode, mutagen)
    try:
        repo = Repository.create(host)
        name = life.detach()
        life.exec("echo work >work; git add work; git commit -qm work; echo late >late").ok()
        result = life.run("stop", life.project, env=kill_at(host, point, when, life.synced and life.synced.mutagen))
        assert result.status in (-9, 137), (result.status, result.errors)
        deadline = time.monotonic() + 10
        while True:
            listed = life.run("ls", "--json").ok()
            jails = {jail["name"]: jail for jail in json.loads(listed.text) if jail["name"] == name}
            # The engine may still be at removing what has ended.
            if mode != "bind" or not jails or jails[name]["state"] == "running" or time.monotonic() > deadline:
                break
        if jails and jails[name]["state"] == "running":
            life.stop()
        elif jails:
            life.recover()
        if "jailed git import" in listed.errors:
            life.run("git", "import", name[-12:]).ok()
        assert (life.project / "late").read_text() == "late\n"
        assert repo.git("log", "-1", "--format=%s") == "work"
        life.nothing_left()
    finally:
        life.close()


def test_two_stops_of_one_jail(life):
    life.detach()
    life.exec("echo late >late").ok()
    first = life.host.start_raw("stop", life.project)
    second = life.run("stop", life.project)
    # 2: it was gone before this one looked.
    assert sorted([first.wait(60), second.status]) in ([0, 0], [0, 2]), second.errors
    assert (life.project / "late").read_text() == "late\n"
    life.nothing_left()


def test_a_jail_whose_session_says_nothing_is_left_alone(life):
    """Labels are only claims. The jail is shown as foreign, not entered and not stopped; when its session says again what it is, its work comes home."""
    name = life.detach()
    life.exec("echo late >late").ok()
    (session,) = (life.host.config / "sessions").iterdir()
    (session / "record").rename(session / "lost")
    assert life.listed()[name]["state"] == "foreign"
    for words in (["exec", name, "--", "true"], ["stop", name]):
        result = life.run(*words)
        assert result.status == 2 and "is no jail of this configuration" in result.errors
    life.run("stop", "--all").ok()
    (session / "lost").rename(session / "record")
    life.stop()
    assert (life.project / "late").read_text() == "late\n"
    life.nothing_left()
