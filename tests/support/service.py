"""The engine's socket for the length of a test: docker's is there, podman's service is started."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Iterator

from support.jail import Engine, wait_for


@contextlib.contextmanager
def engine_socket(engine: Engine) -> Iterator[str]:
    if engine.client == "docker":
        yield engine.environment.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        return
    path = Path(engine.environment["XDG_RUNTIME_DIR"] if engine.rootless else "/run", "podman/podman.sock")
    path.parent.mkdir(parents=True, exist_ok=True)
    if engine.rootless:
        os.chown(path.parent, engine.owner.uid, engine.owner.gid)
    path.unlink(missing_ok=True)
    home = engine.owner.home or Path(os.environ.get("HOME", "/"))
    service = subprocess.Popen(
        engine.owner.argv(["podman", "system", "service", "--time=0", f"unix://{path}"]), cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), **engine.environment})  # fmt: skip
    try:
        wait_for("podman's service listens", path.exists)
        yield str(path)
    finally:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
        path.unlink(missing_ok=True)
