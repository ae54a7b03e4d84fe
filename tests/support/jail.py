"""Drives the real binary: runs and pty sessions, engines, callers, temporary projects, left-overs.

Chosen by the environment:

JAILED_BIN          the binary (default: build/release/jailed of this checkout)
JAILED_TEST_ENGINE  docker, docker-runsc (gVisor), podman or podman-rootless (default: docker)
JAILED_TEST_IMAGE   the image (default: jailed:e2e)
"""
from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Mapping, Optional, Sequence, Union

import pexpect

# A shell that starts tests in the background has these ignored, and what is ignored is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup

REPO = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("JAILED_BIN") or REPO / "build/release/jailed")
ENGINE = os.environ.get("JAILED_TEST_ENGINE", "docker")
GVISOR = ENGINE == "docker-runsc"
IMAGE = os.environ.get("JAILED_TEST_IMAGE", "jailed:e2e")
USER = "coder"
HOME = f"/home/{USER}"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IS_ROOT = os.geteuid() == 0
SETPRIV = shutil.which("setpriv") or "setpriv"

AnyPath = Union[str, bytes, Path]


def wait_for(what: str, condition: Callable[[], object], seconds: float = 10) -> object:
    """The first true answer of `condition`; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


# --- who calls ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """A user of the host. Commands become that user by exec, so that signals and terminals are theirs."""

    uid: int
    gid: int
    home: Optional[Path] = None  # None: a temporary one
    groups: tuple[int, ...] = ()

    def argv(self, command: Sequence[AnyPath]) -> list[AnyPath]:
        if self.uid == os.geteuid():
            return list(command)
        groups = ["--groups", ",".join(map(str, self.groups))] if self.groups else ["--clear-groups"]
        return [SETPRIV, "--reuid", str(self.uid), "--regid", str(self.gid), *groups, "--", *command]


def test_user() -> Caller:
    """A user of the host who is not root; scripts/engine makes it."""
    name = subprocess.run([REPO / "scripts/engine", "user"], check=True, capture_output=True, text=True).stdout.strip()
    entry = pwd.getpwnam(name)
    return Caller(entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))


def myself() -> Caller:
    return Caller(os.geteuid(), os.getegid(), groups=tuple(os.getgroups()))


# --- the engine -----------------------------------------------------------------------------------


class Engine:
    """The engine under test, asked directly."""

    def __init__(self, name: str = ENGINE) -> None:
        self.name = name
        self.client = name.split("-")[0]
        self.rootless = name == "podman-rootless"
        self.owner = test_user() if self.rootless and IS_ROOT else myself()
        lines = subprocess.run([REPO / "scripts/engine", "env", name], check=True, capture_output=True, text=True).stdout
        self.environment = dict(line.split("=", 1) for line in lines.splitlines())
        if "DOCKER_HOST" in os.environ:
            self.environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]

    def unprivileged_caller(self) -> Optional[Caller]:
        """Somebody who is not root and may use this engine; None where nobody is."""
        if self.rootless or not IS_ROOT:
            return self.owner
        if self.client == "podman":
            return None
        user = test_user()
        socket = self.environment.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        return Caller(user.uid, user.gid, None, (user.gid, os.stat(socket).st_gid))

    def run(self, *args: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        home = self.owner.home or Path(os.environ.get("HOME", "/"))
        return subprocess.run(
            self.owner.argv([self.client, *args]), check=check, timeout=timeout, capture_output=True, text=True,
            cwd="/", env={"PATH": PATH, "HOME": str(home), **self.environment})  # fmt: skip

    def jails(self) -> list[dict]:
        """What `inspect` says of every jail there is, running or not."""
        ids = self.run("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=jailed.session").stdout.split()
        if not ids:
            return []
        # One that ends in between makes inspect fail, with the others on stdout all the same.
        answer = self.run("inspect", *ids, check=False).stdout
        return json.loads(answer) if answer.strip() else []

    def remove(self, container: str) -> None:
        self.run("rm", "--force", "--volumes", container, check=False)


def labels(container: dict) -> dict[str, str]:
    return container["Config"]["Labels"]


# --- results ----------------------------------------------------------------------------------------


@dataclass
class Result:
    """How a run ended; a signal is negative, as subprocess has it."""

    status: int
    out: bytes
    err: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace")

    @property
    def errors(self) -> str:
        return self.err.decode(errors="replace")

    def ok(self) -> "Result":
        assert self.status == 0, f"exit status {self.status}\n--- stdout\n{self.text}\n--- stderr\n{self.errors}"
        return self


class Running:
    """A jail in the background, without a terminal."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid  # jailed itself

    def wait_for_line(self, line: str) -> None:
        assert self.process.stdout
        seen = self.process.stdout.readline()
        if seen.decode().strip() != line:
            rest = self.end()
            raise AssertionError(f"{line!r} did not come: {seen!r} {rest}")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = 20) -> int:
        return self.process.wait(seconds)

    def end(self) -> tuple[bytes, bytes]:
        if self.process.stdout is None or self.process.stdout.closed:
            self.process.kill()
            self.process.wait()
            return b"", b""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()


def hang_up(session: "pexpect.spawn[str]", seconds: float = 20) -> None:
    """Ends a session as a closed window would, with time to tidy up (pexpect's own way soon comes to KILL)."""
    deadline = time.monotonic() + seconds
    if session.ptyproc.fileobj.closed:  # it has been told already
        while session.isalive() and time.monotonic() < deadline - seconds / 2:
            time.sleep(0.05)
    if session.isalive():
        session.kill(signal.SIGHUP)
    while session.isalive() and time.monotonic() < deadline:
        try:
            session.read_nonblocking(4096, 0.1)
        except pexpect.TIMEOUT:
            pass
        except (pexpect.EOF, OSError):
            time.sleep(0.05)
    session.close(force=True)


# --- a host -------------------------------------------------------------------------------------------


@dataclass
class Host:
    """One test's own corner of the host: projects, a configuration directory, a temporary directory."""

    engine: Engine
    caller: Caller
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    binary: Path = BINARY
    _children: list = field(default_factory=list)

    @classmethod
    def create(cls, engine: Engine, caller: Optional[Caller] = None) -> "Host":
        caller = caller or engine.owner
        root = Path(tempfile.mkdtemp(prefix="jailed-e2e-"))
        root.chmod(0o755)
        host = cls(engine, caller, root)
        host._own(root)
        for name in ("home", "tmp"):
            host.directory(name)
        host.binary = host._reachable_binary()
        host.environment = {
            "PATH": PATH,
            "HOME": str(caller.home or root / "home"),
            "TMPDIR": str(root / "tmp"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "JAILED_CONFIG_DIR": str(host.config),
            "JAILED_IMAGE": IMAGE,
            "JAILED_RUNTIME": engine.client,
            **engine.environment,
        }
        return host

    @property
    def config(self) -> Path:
        return self.root / "config"

    def _reachable_binary(self) -> Path:
        """The binary, or a copy where the caller may not go to it."""
        if subprocess.run(self.caller.argv(["test", "-x", BINARY]), check=False).returncode == 0:
            return BINARY
        copy = self.root / "jailed"
        shutil.copy(BINARY, copy)
        copy.chmod(0o755)
        return copy

    def _own(self, path: AnyPath, owner: Optional[tuple[int, int]] = None) -> None:
        if IS_ROOT:
            os.chown(path, *(owner or (self.caller.uid, self.caller.gid)))

    def directory(self, name: Union[str, bytes], owner: Optional[tuple[int, int]] = None) -> AnyPath:
        """A new directory of the caller's (or `owner`'s) under the root; bytes give bytes."""
        path: AnyPath = os.path.join(os.fsencode(self.root), name) if isinstance(name, bytes) else self.root / name
        os.mkdir(path)
        self._own(path, owner)
        return path

    def project(self, name: str = "project", owner: Optional[tuple[int, int]] = None) -> Path:
        path = self.root / name
        if not path.exists():
            self.directory(name, owner)
        return path

    def write(self, path: Path, text: str, mode: int = 0o644, owner: Optional[tuple[int, int]] = None) -> Path:
        """A file of the caller's, with the directories that it needs."""
        missing = [parent for parent in path.parents if not parent.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        for made in [*missing, path]:
            self._own(made, owner)
        return path

    # --- running jailed

    def _argv(self, args: Iterable[AnyPath]) -> list[AnyPath]:
        return self.caller.argv([self.binary, *args])

    def _environment(self, more: Optional[Mapping[str, Optional[str]]]) -> dict[str, str]:
        merged = {**self.environment, **(more or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def run(self, *args: AnyPath, env: Optional[Mapping[str, Optional[str]]] = None, stdin: bytes = b"",
            cwd: Optional[AnyPath] = None, timeout: float = 60, prefix: Sequence[AnyPath] = ()) -> Result:  # fmt: skip
        """jailed with these arguments, without a terminal. A value of None in `env` unsets that variable."""
        began = time.monotonic()
        process = subprocess.Popen(
            [*prefix, *self._argv(args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd or self.root, env=self._environment(env))  # fmt: skip
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            out, err = Running(process).end()
            raise AssertionError(f"still running after {timeout} s: {args}\n{out!r}\n{err!r}") from None
        return Result(process.returncode, out, err, time.monotonic() - began)

    def bind(self, project: Optional[AnyPath] = None) -> list[AnyPath]:
        return ["--sync", "bind", self.project() if project is None else project]

    def jail(self, *command: AnyPath, project: Optional[AnyPath] = None, options: Sequence[AnyPath] = (), **how) -> Result:
        """A command in a jail around `project`."""
        return self.run(*options, *self.bind(project), "--", *command, **how)

    def sh(self, script: str, **how) -> Result:
        """A bash script in a jail."""
        return self.jail("bash", "-c", script, **how)

    def start(self, script: str, trap: str = ":", project: Optional[AnyPath] = None,
              env: Optional[Mapping[str, Optional[str]]] = None) -> Running:  # fmt: skip
        """A bash script in a jail, in the background, that has said "ready" when this returns.

        `trap` comes before that: what has to be in place when signals may come.
        """
        process = subprocess.Popen(
            self._argv([*self.bind(project), "--", "bash", "-c", f"{trap}; echo ready; {script}"]), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.root, env=self._environment(env))  # fmt: skip
        running = Running(process)
        self._children.append(running.end)
        running.wait_for_line("ready")
        return running

    def start_raw(self, *args: AnyPath, cwd: Optional[AnyPath] = None) -> "subprocess.Popen[bytes]":
        """jailed with these arguments, in the background."""
        process = subprocess.Popen(self._argv(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=cwd or self.root, env=self._environment(None))  # fmt: skip
        self._children.append(Running(process).end)
        return process

    def start_unseen(self, script: str) -> "subprocess.Popen[bytes]":
        """The same, without waiting for it to come up."""
        process = subprocess.Popen(self._argv([*self.bind(), "--", "bash", "-c", script]), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.root, env=self._environment(None))  # fmt: skip
        self._children.append(Running(process).end)
        return process

    def terminal(self, *args: AnyPath, command: Optional[Sequence[str]] = None, size: tuple[int, int] = (24, 80),
                 env: Optional[Mapping[str, Optional[str]]] = None, timeout: float = 20) -> "pexpect.spawn[str]":  # fmt: skip
        """jailed in a terminal of its own, `size` rows and columns; `command` is run instead, if given."""
        argv = [os.fsdecode(word) for word in (command or self._argv(args))]
        session = pexpect.spawn(argv[0], argv[1:], env=self._environment(env), cwd=str(self.root), dimensions=size,
                                timeout=timeout, encoding="utf-8", codec_errors="replace")  # fmt: skip
        session.delaybeforesend = None
        session.linesep = "\r"  # what the Enter key sends
        self._children.append(lambda: hang_up(session))
        return session

    # --- what is there

    def jails(self) -> list[dict]:
        """This host's jails, as the engine describes them."""
        return [found for found in self.engine.jails() if labels(found).get("jailed.project", "").startswith(str(self.root))]

    def only_jail(self) -> dict:
        found = self.jails()
        assert len(found) == 1, found
        return found[0]

    def wait_until_no_jail(self, seconds: float) -> None:
        wait_for("no container is left", lambda: not self.jails(), seconds)

    def mounts(self) -> list[str]:
        """Mounts of this host's directories elsewhere, such as idmapped ones."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        # What is mounted is named from the root of its own file system: /tmp/x is /x where /tmp is one.
        places = [line.split() for line in lines if self.root.is_relative_to(line.split()[4])]
        device, above, point = max(((place[2], place[3], place[4]) for place in reversed(places)), key=lambda place: len(place[2]))
        inside = Path(above) / self.root.relative_to(point)
        return [line for line in lines if line.split()[2] == device and Path(line.split()[3]).is_relative_to(inside)]

    def processes(self) -> list[str]:
        """Command lines of processes that work for this host."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if any(os.fsencode(self.root) in word for word in words):
                found.append(b" ".join(words).decode(errors="replace"))
        return found

    def leftovers(self) -> list[str]:
        """Everything that should be gone once no jail runs."""
        left = [f"container {found['Name']}" for found in self.jails()]
        left += [f"mount {line}" for line in self.mounts()]
        left += [f"process {line}" for line in self.processes()]
        left += [f"temporary file {path}" for path in (self.root / "tmp").iterdir()]
        sessions = self.config / "sessions"
        if sessions.is_dir():
            left += [f"session {path}" for path in sessions.iterdir()]
        return left

    def close(self) -> list[str]:
        """Ends what still runs, gives what was left over, and removes it."""
        for end in self._children:
            end()
        deadline = time.monotonic() + 10
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for found in self.jails():
            self.engine.remove(found["Id"])
        for line in self.mounts():
            subprocess.run(["umount", "-l", line.split()[4]], check=False)
        shutil.rmtree(os.fsencode(self.root), ignore_errors=True)
        return left


# --- the command line that jailed plans ---------------------------------------------------------------------


def shell_words(line: str) -> list[str]:
    """The words of a line as a shell reads them, by asking one."""
    done = subprocess.run(["bash", "-c", "printf '%s\\0' " + line], check=True, capture_output=True, text=True)
    return done.stdout.split("\0")[:-1]


def planned(host: Host, *command: AnyPath, project: Optional[AnyPath] = None, options: Sequence[AnyPath] = ()) -> list[str]:
    """The argument list that `--dry-run` shows, fit to be run: what jailed makes only for the time of a run is made here.

    The lease is left out: it would be the end of a FIFO that nobody holds.
    """
    argv = shell_words(host.run("--dry-run", *options, *host.bind(project), "--", *command).ok().text)
    uid, gid = map(int, argv[argv.index("--user") + 1].split(":"))
    made = host.directory(f"planned-{time.monotonic_ns()}")
    assert isinstance(made, Path)
    texts = {
        "/etc/passwd": f"root:x:0:0::/root:/usr/sbin/nologin\n{USER}:x:{uid}:{gid}::{HOME}:/bin/zsh\n",
        "/etc/group": f"root:x:0:\n{USER}:x:{gid}:\n",
    }

    def stand_in(target: str) -> Path:
        path = made / target.strip("/").replace("/", "-")
        if target.startswith("/etc/"):
            path.write_text(texts.get(target, ""))
            host._own(path)
        else:
            path.mkdir()
            if IS_ROOT:
                os.chown(path, uid, gid)
        return path

    ready: list[str] = []
    for word in argv:
        if ready and ready[-1] == "--mount":
            fields = word.split(",")
            source, target = (next(f.partition("=")[2] for f in fields if f.startswith(f"{key}=")) for key in ("source", "target"))
            if target.endswith("/lease"):
                ready.pop()
                continue
            if not os.path.exists(source):
                word = word.replace(f"source={source}", f"source={stand_in(target)}")
        elif ready and ready[-1] == "--security-opt" and word.startswith("seccomp="):
            profile = made / "seccomp.json"
            text = json.loads((REPO / "docker/seccomp.json").read_text())
            for rule in text["syscalls"]:
                if GVISOR and rule["names"] == ["clone3"]:  # as jailed does for a kernel that has no other answer than EPERM
                    rule.update(action="SCMP_ACT_ALLOW")
                    del rule["errnoRet"]
            profile.write_text(json.dumps(text))
            profile.chmod(0o644)
            word = f"seccomp={profile}"
        ready.append(word)
    return ready


def run_planned(host: Host, argv: Sequence[AnyPath], stdin: bytes = b"", timeout: float = 120, env: Optional[Mapping[str, str]] = None) -> Result:
    """The engine itself with these arguments, as the host's caller."""
    began = time.monotonic()
    done = subprocess.run(host.caller.argv(argv), input=stdin, capture_output=True, timeout=timeout, check=False,
                          cwd=host.root, env={**host.environment, **(env or {})})  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def on_network(name: str, argv: Sequence[str]) -> list[str]:
    """The plan with another network than its own; "" for the engine's default."""
    argv = list(argv)
    if "--network" in argv:
        at = argv.index("--network")
        del argv[at : at + 2]
    at = argv.index("run") + 1
    return [*argv[:at], *(["--network", name] if name else []), *argv[at:]]


def offline(host: Host, *command: str, project: Optional[AnyPath] = None, stdin: bytes = b"", timeout: float = 120) -> Result:
    """The jail that `--dry-run` shows, started by the engine itself with no network."""
    return run_planned(host, on_network("none", planned(host, *command, project=project)), stdin, timeout)


def _words_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def processes_of(container: dict) -> list[int]:
    """Host pids of everything in a running container."""
    if GVISOR:  # what runs in the jail is no process of the host's; the sandbox itself is
        words = (container["Id"].encode(), b"runsc")
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if all(word in _words_of(path) for word in words)]
    first = container["State"]["Pid"]
    namespace = os.readlink(f"/proc/{first}/ns/pid")
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") == namespace:
                    found.append(int(entry))
            except OSError:
                continue
    return found


def signal_name(number: int) -> str:
    return signal.Signals(number).name
