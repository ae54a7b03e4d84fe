"""The real binary on a small host of its own: a home, a project, and fake engines on PATH.

A fake engine is a shell script that records each call (arguments, environment, input) and then does what the
test wrote for that subcommand: `fakes.on("run", "exit 3")`. Without that it ends with 0.
"""
from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import signal
import stat
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import pexpect

# A shell that starts tests in the background has it ignored, and what is ignored is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("JAILED_BIN", ROOT / "build/release/jailed"))
IS_ROOT = os.geteuid() == 0
CAN_MOUNT = IS_ROOT and subprocess.run(["/usr/bin/unshare", "--mount", "/bin/true"], stderr=subprocess.DEVNULL).returncode == 0
# A caller that is nobody's account: nothing may depend on an entry in /etc/passwd.
STRANGER = 12345

FAKE = r"""#!/bin/sh
# name: @NAME@
fake='@DIR@'
calls=$fake/calls
call=$calls/$(/usr/bin/date +%s%N)-@NAME@-$$
/bin/mkdir -p "$call.part"
printf '%s\0' "$0" "$@" >"$call.part/argv"
/usr/bin/env -0 >"$call.part/env"
saved_path=$PATH
PATH=/usr/bin:/bin
# The FIFO behind --mount ...target=/etc/jailed/lease.
lease() {
  for word; do
    case $word in
      *,target=/etc/jailed/lease,*) word=${word#type=bind,source=}; echo "${word%%,target=*}" ;;
    esac
  done
}
note() { echo "$*" >>"$fake/notes"; }
lease=$(lease "$@")
# The directory of the session whose files are mounted.
session() {
  for word; do
    case $word in
      type=bind,source=*,target=/etc/passwd,*) word=${word#type=bind,source=}; echo "${word%/passwd,target=*}" ;;
    esac
  done
}
/bin/mv "$call.part" "$call"
if [ -f "$fake/on-$1" ]; then . "$fake/on-$1"; fi
"""


@dataclass
class Call:
    program: str
    args: list[str]
    env: dict[bytes, bytes]
    raw_args: list[bytes]
    directory: Path

    @property
    def mounts(self) -> dict[str, str]:
        """target -> source of every --mount, read as the engines read it."""
        return {fields["target"]: fields["source"] for fields in self.mount_fields()}

    def mount_fields(self) -> list[dict[str, str]]:
        found = []
        for value in self.values("--mount"):
            (record,) = csv.reader(io.StringIO(value, newline=""), strict=True)
            found.append(dict(field.partition("=")[::2] for field in record))
        return found

    def values(self, flag: str) -> list[str]:
        return [value for word, value in zip(self.args, self.args[1:]) if word == flag]


class Fakes:
    def __init__(self, directory: Path, *names: str):
        self.directory = directory
        self.bin = directory / "bin"
        for each in (directory, self.bin, directory / "calls"):
            each.mkdir(exist_ok=True)
        for name in names:
            self.add(name)

    def add(self, name: str) -> Path:
        script = self.bin / name
        script.write_text(FAKE.replace("@DIR@", str(self.directory)).replace("@NAME@", name))
        script.chmod(0o755)
        return script

    def on(self, subcommand: str, shell: str) -> None:
        """What the fakes do for `docker <subcommand>`; $call is the record's directory, $lease the FIFO, $(session "$@") the session's directory."""
        (self.directory / f"on-{subcommand}").write_text(shell + "\n")

    @property
    def calls(self) -> list[Call]:
        found = []
        for record in sorted((self.directory / "calls").iterdir()):
            if record.suffix == ".part":
                continue
            words = (record / "argv").read_bytes().split(b"\0")[:-1]
            entries = (record / "env").read_bytes().split(b"\0")[:-1]
            found.append(Call(
                program=os.fsdecode(words[0]),
                args=[os.fsdecode(word) for word in words[1:]],
                raw_args=words[1:],
                env=dict(entry.partition(b"=")[::2] for entry in entries),
                directory=record))
        return found

    def called(self, subcommand: str) -> list[Call]:
        return [call for call in self.calls if call.args[:1] == [subcommand]]

    @property
    def notes(self) -> list[str]:
        path = self.directory / "notes"
        return path.read_text().splitlines() if path.exists() else []


@dataclass
class Result:
    code: int
    out: str
    err: str


class Host:
    """Everything that one jailed sees: HOME, PATH, the current directory, who calls."""

    def __init__(self, directory: Path, uid: int | None, *engines: str):
        self.directory = directory
        self.uid = uid
        self.home = directory / "home"
        self.project = directory / "project"
        self.config = self.home / ".config/jailed"
        self.cache = self.home / ".cache/jailed"
        self.home.mkdir(mode=0o700)
        self.project.mkdir(mode=0o755)
        self.fakes = Fakes(directory / "fakes", *engines)
        self.env = {"HOME": str(self.home), "PATH": str(self.fakes.bin), "LANG": "C.UTF-8", "TERM": "xterm",
                    "JAILED_SYNC_STRATEGY": "bind", "TZ": "UTC"}
        self.give(directory)
        for where in ("", f"user.slice/user-{self.caller}.slice/user@{self.caller}.service/"):
            self.kernel(f"cgroup/{where}cgroup.controllers", "cpu memory pids\n")

    def kernel(self, name: str, content: str | None) -> None:
        """What jailed finds at /sys/fs/<name>; nothing there with None. At first: cgroup v2, with all delegated."""
        path = self.fakes.directory / "sys-fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)

    @property
    def own_kernel(self) -> bool:
        """Whether /sys/fs is the test's own; else it is this machine's."""
        return self.uid is not None and CAN_MOUNT

    @property
    def caller(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    def give(self, path: Path) -> None:
        """Makes `path`, with all below it, the caller's."""
        if self.uid is None:
            return
        for top, directories, files in os.walk(path):
            for name in [top, *(os.path.join(top, each) for each in directories + files)]:
                os.lchown(name, self.uid, self.uid)

    def mkdir(self, name: str | Path, mode: int = 0o755) -> Path:
        path = self.directory / name
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        path.chmod(mode)
        self.give(path)
        return path

    def command(self, *args: str | bytes | Path) -> list[str | bytes]:
        words = [os.fspath(arg) for arg in args]
        if self.uid is None:
            return [str(self.binary), *words]
        machine = ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
                   '/bin/mount --bind "$1" /sys/fs && shift && exec "$@"', "sh", str(self.fakes.directory / "sys-fs")]
        return [*(machine if self.own_kernel else []), "/usr/bin/setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--",
                str(self.binary), *words]

    binary: Path = BINARY  # a copy that every caller can reach, see conftest

    def start(self, *args, env: dict | None = None, cwd: Path | None = None, **more) -> subprocess.Popen:
        variables = {key: value for key, value in {**self.env, **(env or {})}.items() if value is not None}
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.command(*args), env=variables, cwd=cwd or self.project,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, *args, input: bytes | None = None, timeout: float = 20, **more) -> Result:
        if input is not None:
            more["stdin"] = subprocess.PIPE
        child = self.start(*args, **more)
        try:
            out, err = child.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        return Result(child.returncode, out.decode("utf-8", "surrogateescape"),
                      err.decode("utf-8", "surrogateescape"))

    def run_within(self, memory: int, *args, **more) -> Result:
        """run(), with so much address space for jailed and what it starts."""
        return self.run(*args, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)), **more)

    def terminal(self, *args, env: dict | None = None, cwd: Path | None = None, size=(24, 200),
                 **more) -> pexpect.spawn:
        """jailed on a terminal of its own."""
        variables = {key: value for key, value in {**self.env, **(env or {})}.items() if value is not None}
        program, *words = self.command(*args)
        child = pexpect.spawn(program, words, env=variables, cwd=str(cwd or self.project), timeout=10,
                              dimensions=size, encoding="utf-8", codec_errors="surrogateescape", **more)
        child.delaybeforesend = None
        return child

    def install_mutagen(self, files: int = 3) -> None:
        """A mutagen whose daemon says that all is well, with that many files; and jails that run."""
        self.fakes.add("mutagen")
        del self.env["JAILED_SYNC_STRATEGY"]
        with tarfile.open(self.fakes.bin / "mutagen-agents.tar.gz", "w:gz") as tar:
            for name in ("linux_amd64", "linux_arm64"):
                entry = tarfile.TarInfo(name)
                entry.size = 5
                tar.addfile(entry, io.BytesIO(b"agent"))
        (self.fakes.bin / "gzip").symlink_to("/usr/bin/gzip")  # tar calls it
        state = [{"status": "watching", "alpha": {"connected": True, "files": files}, "beta": {"connected": True, "files": 4}}]
        (self.fakes.directory / "state").write_text(json.dumps(state))
        self.fakes.on("version", "echo 0.18.1")
        self.fakes.on("sync", 'case $2 in list) /bin/cat "$fake/state";; esac')
        self.fakes.on("container", "echo true")

    @property
    def sessions(self) -> list[str]:
        directory = self.config / "sessions"
        return sorted(os.listdir(directory)) if directory.is_dir() else []

    def snapshot(self) -> list[tuple[str, int]]:
        """Every path below the host but the fakes' own records, with its mode."""
        found = []
        for top, directories, files in os.walk(self.directory):
            if Path(top) == self.directory:
                directories.remove("fakes")
            for name in directories + files:
                path = os.path.join(top, name)
                found.append((os.path.relpath(path, self.directory), stat.S_IMODE(os.lstat(path).st_mode)))
        return sorted(found)


def exit_code(child: pexpect.spawn) -> int:
    """How a child on a terminal ended, as a shell would say it."""
    child.expect(pexpect.EOF)
    child.close()
    return 128 + child.signalstatus if child.signalstatus else child.exitstatus


def without_escapes(text: str) -> str:
    return re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", text)


def wait_until(condition, timeout: float = 10):
    """The condition's value as soon as it is true; a test must not depend on how fast the machine is."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
