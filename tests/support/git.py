"""Host repositories for the tests, driven by the host's real git as the caller."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Mapping, Optional

from support.jail import Host


class Repository:
    """A repository of the host. The caller's own git settings play no part; `ran` is made when planted code runs."""

    def __init__(self, host: Host, path: Path, init: bool = True) -> None:
        self.host = host
        self.path = path
        self.ran = host.root / "RAN"
        self.settings = host.root / "gitconfig"
        if not self.settings.exists():
            host.write(self.settings, "[user]\n\tname = Host\n\temail = host@test\n")
        host.environment["GIT_CONFIG_GLOBAL"] = str(self.settings)
        if init:
            self.git("init", "--quiet", "--initial-branch=main")
            self.commit("first", a="one\n", **{"dir/b": "two\n"})

    @classmethod
    def create(cls, host: Host, name: str = "project") -> "Repository":
        return cls(host, host.project(name))

    @property
    def environment(self) -> dict[str, str]:
        home = self.host.root / "home"
        return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_GLOBAL": str(self.settings), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
                "GIT_AUTHOR_NAME": "Host", "GIT_AUTHOR_EMAIL": "host@test", "GIT_COMMITTER_NAME": "Host",
                "GIT_COMMITTER_EMAIL": "host@test", "GIT_EDITOR": "true", "GIT_ALLOW_PROTOCOL": "file:ssh"}  # fmt: skip

    def run(self, *command: str, check: bool = True, cwd: Optional[Path] = None, stdin: str = "",
            env: Optional[Mapping[str, str]] = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        done = subprocess.run(self.host.caller.argv(list(command)), cwd=cwd or self.path, input=stdin, capture_output=True,
                              text=True, errors="replace", env={**self.environment, **(env or {})}, timeout=60)  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def git(self, *args: str, **how) -> str:
        return self.run("git", *args, **how).stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            self.host.write(self.path / name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def refs(self, *patterns: str) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", *patterns).splitlines()
        return dict(line.split(" ") for line in lines)

    def arrived(self) -> dict[str, str]:
        """What came home and is no branch or tag of the host, without the session's id."""
        return {name.split("/", 3)[3]: id for name, id in self.refs("refs/jailed").items()}

    def status(self) -> str:
        return self.git("status", "--porcelain")

    def assert_sound(self) -> None:
        self.git("fsck", "--strict", "--no-dangling")

    def use_like_a_user(self) -> None:
        """What people, prompts and editors do all day. Whether it succeeds is not the point."""
        for args in (["status"], ["diff"], ["log", "-3"], ["add", "--all"], ["commit", "--allow-empty", "-qm", "x"],
                     ["checkout", "-q", "-b", "elsewhere"], ["stash"], ["branch"], ["fetch", "--all"], ["gc", "--auto"],
                     ["rebase", "--continue"], ["submodule", "status"], ["worktree", "list"]):  # fmt: skip
            self.run("git", *args, check=False)

    def give_up(self) -> None:
        """Drops what jails left: commits, and files in quarantine."""
        for session in self.sessions():
            self.host.run("git", "drop", session.name)
            shutil.rmtree(session, ignore_errors=True)
        assert not self.sessions()

    def sessions(self) -> list[Path]:
        place = self.host.config / "sessions"
        return sorted(place.iterdir()) if place.is_dir() else []
