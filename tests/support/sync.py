"""Mutagen mode in the tests: a mutagen and a daemon of a test's own, trees compared, jailed killed at a step."""
from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator, Optional

from support.jail import REPO, Host


@contextlib.contextmanager
def mutagen_directory() -> Iterator[Path]:
    """The directory with the program, for every caller; built once, then kept in the cache of whoever runs the tests."""
    directory = Path(os.environ.get("JAILED_TEST_MUTAGEN") or tempfile.mkdtemp(prefix="jailed-mutagen-"))
    directory.chmod(0o755)
    subprocess.run([REPO / "scripts/mutagen", directory], check=True)
    yield directory
    if "JAILED_TEST_MUTAGEN" not in os.environ:
        shutil.rmtree(directory)


class Synced:
    """A host with mutagen on PATH and a daemon of its own."""

    def __init__(self, host, mutagen: Path) -> None:
        self.host = host
        self.project = host.project()
        state = host.directory("state")
        # Podman's daemon is one of its own, with its data where jailed puts it.
        self.data = host.directory("mutagen") if host.engine.client == "docker" else state / "jailed/mutagen-podman"
        host.environment.update({
            "PATH": f"{mutagen}:{host.environment['PATH']}",
            "XDG_CACHE_HOME": str(host.directory("cache")),
            "XDG_STATE_HOME": str(state),
        })  # fmt: skip
        if host.engine.client == "docker":
            host.environment["MUTAGEN_DATA_DIRECTORY"] = str(self.data)
        self.mutagen = mutagen / "mutagen"

    def client(self, *words, check: bool = True, timeout: Optional[float] = None) -> str:
        """What `mutagen WORDS` says, as the docs have a user call it."""
        environment = {**self.host._environment(None), "MUTAGEN_DATA_DIRECTORY": str(self.data)}
        return subprocess.run(self.host.caller.argv([self.mutagen, *words]), env=environment, capture_output=True, text=True,
                              check=check, cwd="/", timeout=timeout).stdout  # fmt: skip

    def run(self, script: str, **how):
        return self.host.run(self.project, "--", "bash", "-c", script, **how)

    def start(self, script: str, env=None):
        process = subprocess.Popen(
            self.host._argv([self.project, "--", "bash", "-c", script]), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.host.root, env=self.host._environment(env))  # fmt: skip
        self.host._children.append(lambda: process.poll() is None and process.kill())
        return process

    def ready(self, script: str, env=None):
        process = self.start(f"echo ready; {script}", env)
        assert process.stdout.readline() == b"ready\n", process.communicate()
        return process

    def daemon(self) -> int:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                mine = f"MUTAGEN_DATA_DIRECTORY={self.data}".encode() in (entry / "environ").read_bytes().split(b"\0")
                if mine and (entry / "cmdline").read_bytes().startswith(b"mutagen\0daemon\0run"):
                    return int(entry.name)
            except OSError:
                continue
        raise AssertionError("no daemon")

    def own(self) -> None:
        """What the test has made in the project is the caller's."""
        subprocess.run(["chown", "-Rh", f"{self.host.caller.uid}:{self.host.caller.gid}", self.project], check=True)

    def take_quarantine(self) -> str:
        """What the only session left says of its quarantine; then it goes."""
        (session,) = (self.host.config / "sessions").iterdir()
        text = (session / "quarantine.txt").read_text()
        shutil.rmtree(session)
        return text

    def sessions(self) -> str:
        return self.client("sync", "list")

    def volumes(self) -> list[str]:
        names = self.host.engine.run("volume", "ls", "--quiet", "--filter", "label=jailed.session").stdout.split()
        ours = []
        for name in names:
            project = self.host.engine.run("volume", "inspect", "--format", '{{index .Labels "jailed.project"}}', name, check=False).stdout
            if project.startswith(str(self.host.root)):
                ours.append(name)
        return ours

    def nothing_left(self, seconds: float = 10) -> None:
        self.host.wait_until_no_jail(seconds)
        assert self.volumes() == []
        assert "No synchronization sessions found" in self.sessions()
        sessions = self.host.config / "sessions"
        assert not sessions.exists() or list(sessions.iterdir()) == []

    def close(self) -> None:
        self.client("daemon", "stop", check=False)
        for found in self.host.jails():
            self.host.engine.remove(found["Id"])
        for name in self.volumes():
            self.host.engine.run("volume", "rm", "--force", name, f"{name}-projects", check=False)


def tree(root: Path) -> dict[bytes, object]:
    """Every path with its kind, contents and executable bit."""
    found: dict[bytes, object] = {}
    top = os.fsencode(root)
    for directory, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(directory, name)
            key = os.path.relpath(path, top)
            if os.path.islink(path):
                found[key] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[key] = "directory"
            else:
                with open(path, "rb") as file:
                    found[key] = (hashlib.sha256(file.read()).hexdigest(), bool(os.stat(path).st_mode & 0o100))
    return found


def kill_at(host: Host, point: str, when: str, mutagen: Optional[Path] = None) -> dict[str, str]:
    """An environment in which the first "docker ..." or "mutagen ..." that begins with `point` kills its jailed with
    -9, before or after it does its work."""
    wrappers = host.directory(f"wrappers-{len(list(host.root.iterdir()))}")
    engine = host.engine.client
    point = point.replace("docker", engine)
    programs = {engine: shutil.which(engine)}
    if mutagen:
        programs["mutagen"] = mutagen
        # The bundle is looked for beside the program.
        os.symlink(mutagen.parent / "mutagen-agents.tar.gz", wrappers / "mutagen-agents.tar.gz")
    for program, real in programs.items():
        hit = f'touch {wrappers}/done; {{ {"" if when == "before" else f"""{real} "$@"; """}kill -9 $PPID; exit 1; }}'
        script = (
            "#!/bin/bash\n"
            f"point='{point}'; words=\"{program} $*\"\n"
            f"if [[ \"$words\" == \"$point\"* && ! -e {wrappers}/done ]]; then {hit}; fi\n"
            f"exec {real} \"$@\"\n"
        )
        path = wrappers / program
        path.write_text(script)
        path.chmod(0o755)
    return {"PATH": f"{wrappers}:{host.environment['PATH']}"}
