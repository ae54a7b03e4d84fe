"""Mutagen's agent as a jail could have it: its process there is the jail's user's, who can write to its memory.

This one leaves nothing out: it offers the host repositories and all else that jailed has told it to ignore.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Optional

VERSION = "0.18.1"  # that of scripts/mutagen
SOURCE = "pkg/synchronization/core/ignore/ignore_vcs.go"
# Of the ignorer that all others are wrapped in.
HONEST = "\t// Watch for and ignore any VCS directories.\n\tif directory && vcsDirectoryNames[fastpath.Base(path)] {\n\t\treturn IgnoreStatusIgnored, false\n\t}\n"
HOSTILE = "\tif len(path) > 0 {\n\t\treturn IgnoreStatusNominal, false\n\t}\n\t_ = fastpath.Base(path)\n"


def go() -> Optional[str]:
    """A Go that can build it."""
    for program in (shutil.which("go"), "/usr/local/go/bin/go"):
        if program and os.access(program, os.X_OK):
            said = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
            if said.startswith("go1.") and int(said[4:].split(".")[0]) >= 22:
                return program
    return None


def build(program: str, target: Path) -> None:
    """The agent, from the module's source with one function changed; a minute the first time."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod -buildvcs=false -trimpath", "CGO_ENABLED": "0"}
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "source")

        def run(*words: str, cwd: str = "/") -> str:
            return subprocess.run([program, *words], cwd=cwd, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

        shutil.copytree(json.loads(run("mod", "download", "-json", f"github.com/mutagen-io/mutagen@v{VERSION}"))["Dir"], source)
        subprocess.run(["chmod", "-R", "u+w", source], check=True)  # modules are read-only
        text = (source / SOURCE).read_text()
        assert HONEST in text
        (source / SOURCE).write_text(text.replace(HONEST, HOSTILE))
        run("build", "-tags", "mutagenagent", "-ldflags=-s -w", "-o", str(target), "./cmd/mutagen-agent", cwd=str(source))
    target.chmod(0o755)
