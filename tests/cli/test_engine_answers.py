"""What engines and Mutagen answer is hostile input: whatever they say, nothing outside the project and the session changes.

The commands that act on answers are driven with generated ones, by a fixed seed, for JAILED_FUZZ_SECONDS (20). The project holds what an agent
would plant there for a session's directory; the rest of the home, and beside it, is watched.
"""
from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import stat
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from harness import wait_until
from test_life import Machine, jail

SECONDS = float(os.environ.get("JAILED_FUZZ_SECONDS", "20"))
SEED = int(os.environ.get("JAILED_FUZZ_SEED", "20261126"))
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
HONEST, OTHER, PLANTED = "0123456789ab", "00000000000b", "000000000abc"


def snapshot_file(root: Path) -> bytes:
    """A session's host-snapshot that has ~/.bashrc put back from `payload` and ~/.ssh/id_ed25519 moved away."""
    def records(*words: str) -> bytes:
        return b"".join(os.fsencode(word) + b"\0" for word in words)

    return (records("jailed-snapshot-1", str(root), "1", "1", "1", "1", "text")
            + records("named", "/.ssh/id_ed25519", "x", "x", "automatic", "critical", "x") + records("named", "/.bashrc", "x", "x", "automatic", "critical", "x")
            + records("file", ".bashrc", "1", "1", "1", "1", "0", "5") + records("copy", ".bashrc", "payload") + records("end"))  # fmt: skip


class Watched:
    """A home with something to lose, a project with planted sessions, an engine that says what it is told."""

    def __init__(self, host, engine: str) -> None:
        self.host, self.engine = host, engine
        host.install_mutagen()
        host.env["JAILED_SYNC_STRATEGY"] = "bind"
        host.mkdir("home/.ssh", 0o700)
        host.mkdir("outside")
        for name, text in (("home/.ssh/id_ed25519", "KEY"), ("home/.bashrc", "# mine"), ("outside/file", "mine")):
            (host.directory / name).write_text(text)
        self.name = f"jailed-project-{HONEST}"
        for planted in ("evil", PLANTED):
            self.plant(host.project / planted, planted, host.project)
        fakes = host.fakes
        fails = '; [ ! -s "$fake/failure" ] || { /bin/cat "$fake/failure" >&2; exit 125; }'
        fakes.on("ps", 'case " $* " in *" --quiet "*) /bin/cat "$fake/ids";; *) /bin/cat "$fake/listing";; esac' + fails)
        fakes.on("volume", 'case $2 in ls) /bin/cat "$fake/volumes";; inspect) /bin/cat "$fake/volume-labels";; esac' + fails)
        fakes.on("sync", 'case $2 in list) /bin/cat "$fake/state";; esac' + fails)
        fakes.on("container", '/bin/cat "$fake/word"')
        fakes.on("image", '/bin/cat "$fake/word"')
        fakes.on("info", '/bin/cat "$fake/word"')
        self.answers(b"", b"", b"", b"[]", b"[]", b"true\n", b"")
        host.give(host.directory)
        for sync in ("bind", "mutagen"):  # what a launch makes once is there
            host.run(".", env={"JAILED_SYNC_STRATEGY": sync}, timeout=120)
        self.acted_on()

    def plant(self, directory: Path, session: str, root: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / "payload").write_text("code of the agent")
        (directory / "host-snapshot").write_bytes(snapshot_file(self.host.home))
        (directory / "record").write_text(self.record(session, root))
        (directory / "detached").touch()

    def record(self, session: str, root: Path, sync: str = "bind") -> str:
        return json.dumps({"id": session, "project": quote(str(root)), "place": "/workspace", "engine": self.engine, "sync": sync, "image": "jailed%3Alatest",
                           "user": "coder", "uid": 7, "gid": 7, "allow": [], "seccomp": "jailed", "further": [], "beside": [], "syncs": []})  # fmt: skip

    def session(self, sync: str, detached: bool) -> None:
        """The one session that is there."""
        directory = self.host.config / "sessions"
        shutil.rmtree(directory, ignore_errors=True)
        self.host.mkdir(directory / HONEST, 0o700)
        (directory / HONEST / "record").write_text(self.record(HONEST, self.host.project, sync))
        if detached:
            (directory / HONEST / "detached").touch()
        directory.chmod(0o700)
        self.host.give(directory)

    def answers(self, listing: bytes, ids: bytes, volumes: bytes, labels: bytes, state: bytes, word: bytes, failure: bytes) -> None:
        given = {"listing": listing, "ids": ids, "volumes": volumes, "volume-labels": labels, "state": state, "word": word, "failure": failure}
        for name, text in given.items():
            (self.host.fakes.directory / name).write_bytes(text)

    def outside(self) -> dict[str, str]:
        """All that nobody may touch: every byte but of the project, the sessions and the fakes' own records."""
        spared = {self.host.fakes.directory, self.host.project, self.host.config / "sessions"}
        found = {}
        for top, directories, files in os.walk(self.host.directory):
            directories[:] = [name for name in directories if Path(top, name) not in spared]
            for name in directories + files:
                path = Path(top, name)
                info = path.lstat()
                content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else ""
                found[str(path.relative_to(self.host.directory))] = f"{oct(info.st_mode)} {content}"
        return found

    def acted_on(self) -> list[list[str]]:
        """The engine's calls that do something; the records of all are cleared."""
        calls = [call.args for call in self.host.fakes.calls if call.program.endswith(self.engine) and call.args[:3] != ["exec", "--workdir", "/"]]
        for record in (self.host.fakes.directory / "calls").iterdir():
            shutil.rmtree(record, ignore_errors=True)
        return [args for args in calls if args[0] in ("stop", "exec", "logs", "rm", "kill") or args[:2] == ["volume", "rm"]]


PATHS = ["../../../../project/evil", "../../../../../project/evil", f"../../../../project/{PLANTED}", "..", ".", "/", "", "~", "../sessions/" + HONEST, "/etc", "../../../.ssh",
         "a/../../../../home", "--all", "-f", "--privileged", "$(id)", "`id`", ";id", "a b", "\x1b]0;x\x07", "\n", "a\nb", "\0", "\u009b", "x" * 5000, "%2e%2e", HONEST.upper(),
         HONEST + "/", HONEST + "\n", OTHER, PLANTED, HONEST]  # fmt: skip
ODD = [None, 0, -1, 2**64, 1e300, True, [], {}, [[]], {"a": {"b": []}}, "9" * 400]


class Answers:
    def __init__(self, watched: Watched, seed: int) -> None:
        self.watched = watched
        self.random = random.Random(seed)

    def value(self, honest: object) -> object:
        roll = self.random.random()
        if roll < 0.55:
            return honest
        if roll < 0.9:
            return self.random.choice([*PATHS, str(self.watched.host.home), str(self.watched.host.project), f"jailed-home-{HONEST}", self.watched.name])
        return self.random.choice(ODD)

    def mangled(self, text: bytes) -> bytes:
        if self.random.random() > 0.1 or not text:
            return text
        words = bytearray(text)
        for _ in range(self.random.randrange(1, 8)):
            words[self.random.randrange(len(words))] = self.random.randrange(256)
        return bytes(words[:self.random.randrange(len(words)) + 1])

    def listing(self) -> bytes:
        project, lines = str(self.watched.host.project), []
        for _ in range(self.random.randrange(4)):
            sync = self.random.choice(["", "mutagen"])
            honest = [self.watched.name, HONEST, project, "jailed:latest", "running", "now", sync, "true", "", "", "f" * 64]
            fields = [self.value(field) for field in honest]
            if self.watched.engine == "docker":
                lines.append(json.dumps(fields))
            else:
                keys = ("session", "project", "sync", "detached", "role", "projects")
                labels = dict(zip((f"jailed.{key}" for key in keys), (fields[1], fields[2], fields[6], fields[7], fields[8], fields[9])))
                lines.append({"Names": [fields[0]], "Image": fields[3], "State": fields[4], "CreatedAt": fields[5], "Labels": self.value(labels), "Id": fields[10]})
        text = "\n".join(lines) + "\n" if self.watched.engine == "docker" else json.dumps(lines)
        return self.mangled(text.encode("utf-8", "surrogateescape"))

    def names(self) -> list[object]:
        return [self.value(self.watched.name) for _ in range(self.random.randrange(4))]

    def lines(self, words: list[object]) -> bytes:
        return self.mangled("".join(f"{word}\n" for word in words).encode())

    def labels(self) -> bytes:
        honest = {"jailed.session": HONEST, "jailed.project": str(self.watched.host.project), "jailed.owner": str(self.watched.host.caller), "jailed.image": "jailed:latest",
                  "jailed.user": "coder", "jailed.identity": "7:7", "jailed.projects": ""}  # fmt: skip
        volumes = [{"Name": self.value(self.watched.name), "Labels": self.value({key: self.value(value) for key, value in honest.items()})} for _ in range(self.random.randrange(4))]
        return self.mangled(json.dumps(volumes).encode())

    def state(self) -> bytes:
        side = {"connected": True, "files": self.value(3), "scanProblems": self.value([{"path": self.value("a"), "error": self.value("b")}]),
                "transitionProblems": self.value([]), "stagingProgress": self.value({"receivedFiles": self.value(1), "expectedFiles": self.value(2)})}  # fmt: skip
        conflicts = [{"root": self.value("a")} for _ in range(self.random.randrange(3))]
        state = [{"status": self.value("watching"), "lastError": self.random.choice(["", "", "x\x1b"]), "alpha": side, "beta": self.value(side), "conflicts": conflicts}]
        return self.mangled(json.dumps(state).encode())

    def give(self) -> None:
        self.watched.answers(self.listing(), self.lines(self.names()), self.lines(self.names()), self.labels(), self.state(),
                             self.lines([self.value("true")]), self.lines(self.names()) if self.random.random() < 0.1 else b"")  # fmt: skip

    def command(self) -> list[str]:
        word = self.random.choice([self.watched.name, HONEST, "project", "jailed", str(self.random.choice(PATHS))]).replace("\0", "") or "x"
        if word.startswith("-"):
            word = "x"
        return self.random.choice([["ls"], ["ls", "--json"], ["stop", "--all"], ["stop", word], ["shell", word], ["exec", word, "--", "true"], ["--reuse", "."], ["."],
                                   ["sync", "recover"], ["sync", "recover", word], ["sync", "status"], ["logs", word], ["git", "import"], ["detach", word, "x"]])  # fmt: skip


def check(watched: Watched, before: dict[str, str], what: str) -> None:
    after = watched.outside()
    assert after == before, f"{what}: {sorted(set(after.items()) ^ set(before.items()))}"
    for args in watched.acted_on():
        if args[0] == "rm":
            assert NAME.fullmatch(args[-1]), (what, args)
        elif args[0] == "stop":
            assert args[3:] == [watched.name], (what, args)
        elif args[:2] == ["volume", "rm"]:
            assert args[-1] == watched.name, (what, args)
        else:
            assert watched.name in args, (what, args)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_no_answer_reaches_beyond_the_project_and_the_session(new_host, engine):
    watched = Watched(new_host(engine), engine)
    answers = Answers(watched, SEED)
    before = watched.outside()
    end, rounds = time.monotonic() + SECONDS / 2, 0
    while time.monotonic() < end or rounds < 20:
        watched.session(answers.random.choice(["bind", "mutagen"]), answers.random.random() < 0.7)
        answers.give()
        words = answers.command()
        result = watched.host.run(*words, timeout=120)
        what = f"seed {SEED}, round {rounds}, jailed {' '.join(words)!r}"
        assert 0 <= result.code < 128, (what, result.err)
        assert "\x1b" not in result.out + result.err, (what, result)
        check(watched, before, what)
        rounds += 1
    print(f"{engine}: {rounds} rounds in {SECONDS / 2:.0f} s")


def test_a_label_that_is_a_path_is_not_followed(new_host):
    """What was found: the session's label, joined to the sessions' directory, led into the project."""
    watched = Watched(new_host("docker"), "docker")
    before = watched.outside()
    for session in (f"../../../../project/{PLANTED}", "../../../../project/evil"):
        line = ["fake", session, "/x", "img", "running", "now", "", "", "", "", "c0ffee"]
        watched.answers(json.dumps(line).encode() + b"\n", b"", b"", b"[]", b"[]", b"", b"")
        for words in (["stop", "--all"], ["ls"], ["stop", "fake"], ["."]):
            watched.host.run(*words)
            check(watched, before, " ".join(words))


def test_the_watch_notices_what_a_planted_session_does_when_it_is_believed(new_host):
    """The control: the same files where a reader that believes the label would find them, in the session's own place."""
    watched = Watched(new_host("docker"), "docker")
    before = watched.outside()
    watched.session("bind", True)
    session = watched.host.config / "sessions" / HONEST
    watched.plant(session, HONEST, watched.host.home)
    watched.host.give(session)
    line = [f"jailed-home-{HONEST}", HONEST, str(watched.host.home), "img", "running", "now", "", "", "", "", "f" * 64]
    watched.answers(json.dumps(line).encode() + b"\n", b"", b"", b"[]", b"[]", b"", b"")
    watched.host.run("stop", "--all")
    with pytest.raises(AssertionError):
        check(watched, before, "the control")


GIB = 1 << 30


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_an_answer_without_end_is_one_line_and_takes_no_memory(new_host, engine, stream):
    machine = Machine(new_host(engine), engine)
    machine.host.fakes.on("ps", f"exec /usr/bin/yes '{'y' * 200}' >&{stream}")
    result = machine.host.run_within(GIB, "ls", timeout=60)
    assert (result.code, result.out) == (125, "")
    assert result.err.endswith("docker does not say which jails there are: it says more than 64 MiB, which is no answer, and was stopped\n".replace("docker", engine))
    assert len(result.err.splitlines()) == 1


def test_what_a_running_jail_answers_without_end_holds_nothing_up(new_host):
    """Two minutes are its patience; a process in the jail can write into the pipe of what jailed starts there."""
    machine = Machine(new_host("docker"), "docker")
    machine.host.install_mutagen()
    machine.knows([jail(1, project=str(machine.host.project), sync="mutagen", further={"lib": "/p/lib"})])
    machine.host.fakes.on("exec", f"exec /usr/bin/yes '{'y' * 200}'")
    result = machine.host.run_within(GIB, "detach", "lib", timeout=60)
    assert result.code == 125 and "stays in the jail: the jail does not answer." in result.err


@pytest.mark.parametrize("depth", [1000, 300_000])
def test_an_answer_nested_ever_deeper_is_none(new_host, depth):
    """Copied by recursion, it overran the stack."""
    deep = "[" * depth + "]" * depth
    machine = Machine(new_host("podman"), "podman")
    (machine.host.fakes.directory / "listing").write_text(f'[{{"Names": ["x"], "Labels": {{"a": {deep}}}}}]')
    result = machine.host.run("ls", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    machine = Machine(new_host("docker"), "docker")
    machine.host.install_mutagen()
    machine.knows([jail(1, sync="mutagen")])
    (machine.host.fakes.directory / "state").write_text(f'[{{"status": "watching", "alpha": {{"connected": true, "x": {deep}}}, "beta": {{}}}}]')
    result = machine.host.run("sync", "status")
    assert (result.code, result.out) == (0, "jailed-app-000000000001  /p/app  no session\n")


@pytest.mark.parametrize("what", ["ps", "rm"])
def test_a_session_stays_until_the_engine_has_said_that_its_containers_are_gone(host, what):
    host.fakes.on("run", 'note up; while [ ! -e "$fake/go" ]; do /bin/sleep 0.05; done')
    killed = host.start(".")
    wait_until(lambda: host.fakes.notes == ["up"])
    killed.kill()
    killed.wait()
    (host.fakes.directory / "go").touch()
    (session,) = host.sessions
    host.fakes.on("run", "exit 0")
    host.fakes.on("ps", f"echo {'f' * 64}")
    host.fakes.on(what, "echo 'context deadline exceeded' >&2; exit 1")
    other = host.mkdir("other")
    result = host.run(other, "--", "true")
    assert (result.code, host.sessions) == (0, [session]) and "context deadline exceeded" in result.err and len(result.err.splitlines()) == 1
    for name in ("ps", "rm"):
        host.fakes.on(name, "exit 0")
    assert host.run(other, "--", "true").err == "" and host.sessions == []


def test_a_volume_that_the_engine_cannot_tell_about_is_not_taken_for_none(new_host):
    """The session went, and what was in the volume was no jail's any more."""
    watched = Watched(new_host("docker"), "docker")
    watched.session("mutagen", False)
    watched.answers(b"", b"", watched.name.encode() + b"\n", b"[]", b"[]", b"", b"")
    watched.host.fakes.on("volume", 'case $2 in ls) /bin/cat "$fake/volumes";; inspect) echo "[]"; echo "context deadline exceeded" >&2; exit 1;; esac')
    other = watched.host.mkdir("other")
    result = watched.host.run(other, "--", "true", env={"JAILED_SYNC_STRATEGY": "bind"})
    assert result.code == 0 and f"of which jail the volume {watched.name} is: context deadline exceeded" in result.err
    assert watched.host.sessions == [HONEST]
    (watched.host.fakes.directory / "volumes").write_bytes(b"")  # it is gone
    assert watched.host.run(other, "--", "true", env={"JAILED_SYNC_STRATEGY": "bind"}).code == 0
    assert watched.host.sessions == []
