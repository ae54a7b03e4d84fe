"""An engine on another machine, as far as jailed can tell: a second dockerd that sees no file of the tests.

It has a root directory of its own, made of the host's programs and nothing else of the host's; its own mounts, processes and
network, so that the machine's dockerd does not notice it; and its data in memory, so that nothing stays whatever ends it.
What it is reached by, from here: `tcp://127.0.0.1:PORT`, handed on to its socket; `ssh://far` with an `ssh` of the
test's on PATH; the docker context `far` in a DOCKER_CONFIG of the test's.
"""
from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Iterator, Optional

from support.jail import ENGINE, IMAGE, IS_ROOT, PATH, Engine

DOCKERD = shutil.which("dockerd", path=PATH)

# A machine with the host's programs. $1: the directory that both see, for the socket and the log; $2: its cgroup.
# Everything else of the host is gone after pivot_root, and dockerd's own data is in the tmpfs that it leads to.
MACHINE = """
set -e
mount -t tmpfs -o mode=755 far "$1/root"
cd "$1/root"
for name in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then cp -P "/$name" .; elif [ -d "/$name" ]; then mkdir "$name"; mount --rbind "/$name" "$name"; fi
done
for name in usr etc dev sys; do mkdir "$name"; mount --rbind "/$name" "$name"; done
mkdir -p tmp root run var/lib/docker outside host proc etc/docker
ln -s ../run var/run
chmod 1777 tmp
mount -t proc proc proc
mount -t tmpfs -o mode=755 docker etc/docker
mount --bind "$1" outside
pivot_root . host
cd /
umount -l host
ip link set lo up || true
exec dockerd --host unix:///outside/docker.sock --cgroup-parent "$2" --exec-opt native.cgroupdriver=cgroupfs
"""

# What a jail does without, and an agent does not: two thirds of the image.
LEFT_OUT = ["./opt", "./proc/*", "./sys/*", "./usr/include", "./usr/lib/gcc", "./usr/lib/go-*", "./usr/lib/rustlib", "./usr/libexec/gcc",
            "./usr/lib/*/libLLVM*", "./usr/lib/*/librustc*", "./usr/lib/*/libz3*", "./usr/lib/*/libclang*", "./usr/lib/*/lib?san*", "*.a",
            "./usr/lib/*/gconv", "./usr/share/doc", "./usr/share/go-*", "./usr/share/locale", "./usr/share/man", "./usr/share/i18n",
            "./usr/bin/*-linux-gnu*", "./usr/bin/cargo*", "./usr/bin/clippy*", "./usr/bin/rust*", "./usr/bin/gh", "./usr/bin/git-lfs", "./usr/local/bin/uv*"]  # fmt: skip


def why_not() -> Optional[str]:
    """Why there is no such engine here; nothing when there can be one."""
    if ENGINE != "docker":
        return "a second dockerd is made beside Docker only"
    if not IS_ROOT:
        return "a second dockerd needs root"
    if not DOCKERD:
        return "no dockerd here"
    return None


class Forwarder:
    """A port of the loopback that leads to a unix socket. Each end may stop sending while the other goes on."""

    def __init__(self, target: Path, port: int = 0) -> None:
        self._target = target
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._target))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            ends = [threading.Thread(target=self._copy, args=pair, daemon=True) for pair in ((near, far), (far, near))]
            for end in ends:
                end.start()
            threading.Thread(target=self._close, args=(ends, near, far), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _close(self, ends: list[threading.Thread], *sockets: socket.socket) -> None:
        for end in ends:
            end.join()
        self._open -= set(sockets)
        for end in sockets:
            end.close()

    def cut(self) -> None:
        """No new connection, and the end of every one that there is."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class RemoteEngine(Engine):
    """The other machine's engine, by the same questions as the one under test."""

    def __init__(self, base: Path, port: int) -> None:
        super().__init__("docker")
        self.base = base
        self.socket = base / "docker.sock"
        self.tcp = f"tcp://127.0.0.1:{port}"
        self.environment = {"DOCKER_HOST": self.tcp}

    def by_ssh(self) -> dict[str, str]:
        """What a client needs so that it comes here by its own ssh://."""
        return {"DOCKER_HOST": "ssh://far", "PATH": f"{self.base}/ssh:{PATH}"}

    def by_context(self) -> dict[str, Optional[str]]:
        """The same by a context, the current one of a DOCKER_CONFIG."""
        return {"DOCKER_HOST": None, "DOCKER_CONFIG": str(self.base / "contexts/far")}

    def by_context_variable(self) -> dict[str, Optional[str]]:
        """By one that is not the current one."""
        return {"DOCKER_HOST": None, "DOCKER_CONFIG": str(self.base / "contexts/plain"), "DOCKER_CONTEXT": "far"}

    def here(self) -> list[str]:
        """Every container and volume that there is."""
        return [*self.run("ps", "--all", "--format", "{{.Names}}").stdout.split(), *self.run("volume", "ls", "--quiet").stdout.split()]

    def empty(self) -> None:
        containers = self.run("ps", "--all", "--quiet").stdout.split()
        if containers:
            self.run("rm", "--force", "--volumes", *containers, check=False)
        volumes = self.run("volume", "ls", "--quiet").stdout.split()
        if volumes:
            self.run("volume", "rm", "--force", *volumes, check=False)


def _fake_ssh(base: Path) -> None:
    """Docker's client calls `ssh OPTION... -- far docker system dial-stdio`, and the other machine's shell splits what comes after the host."""
    script = base / "ssh/ssh"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done\n'
        '[ "$1 $2" = "-- far" ] || { echo "ssh: no such host" >&2; exit 255; }\n'
        "shift 2\n"
        f"export DOCKER_HOST=unix://{shlex.quote(str(base))}/docker.sock\n"
        "unset DOCKER_CONTEXT DOCKER_CONFIG\n"
        'exec sh -c "$*"\n'
    )
    script.chmod(0o755)


def _contexts(engine: RemoteEngine) -> None:
    """The context `far`, current in one DOCKER_CONFIG and not in the other."""
    for place, current in ((engine.base / "contexts/far", "far"), (engine.base / "contexts/plain", "default")):
        place.mkdir(parents=True)
        environment = {"PATH": PATH, "HOME": "/", "DOCKER_CONFIG": str(place)}
        for words in (["create", "far", "--docker", f"host={engine.tcp}"], ["use", current]):
            subprocess.run(["docker", "context", *words], check=True, env=environment, capture_output=True, timeout=30)
    subprocess.run(["chmod", "-R", "a+rX", engine.base / "contexts"], check=True)


def _copy_image(near: Engine, far: RemoteEngine) -> None:
    """The image under test without its agents and compilers, as one layer, under its own name."""
    (described,) = json.loads(near.run("image", "inspect", IMAGE).stdout)
    config = described["Config"]
    changes = [f"USER {config['User']}", f"WORKDIR {config['WorkingDir']}", f"ENTRYPOINT {json.dumps(config['Entrypoint'])}",
               f"CMD {json.dumps(config['Cmd'])}"]  # fmt: skip
    changes += [f"ENV {name}={json.dumps(value)}" for name, _, value in (entry.partition("=") for entry in config["Env"])]
    changes += [f"LABEL {name}={json.dumps(value)}" for name, value in (config["Labels"] or {}).items()]
    # An image of before jails on other machines has no place for their volume yet.
    script = (
        "install -d -m 1777 /jail; grep -q /jail/gitconfig /etc/gitconfig || printf '[include]\\n\\tpath = /jail/gitconfig\\n' >>/etc/gitconfig\n"
        "cd /; exec tar --one-file-system -c " + " ".join(f"--exclude={shlex.quote(path)}" for path in LEFT_OUT) + " ."
    )
    near_environment = {"PATH": PATH, "HOME": os.environ.get("HOME", "/"), **near.environment}
    packing = subprocess.Popen(["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--entrypoint", "sh", IMAGE, "-c", script],
                               stdout=subprocess.PIPE, env=near_environment)  # fmt: skip
    words = [word for change in changes for word in ("--change", change)]
    subprocess.run(["docker", "import", *words, "-", IMAGE], stdin=packing.stdout, check=True, capture_output=True, timeout=120,
                   env={"PATH": PATH, "HOME": "/", "DOCKER_HOST": f"unix://{far.socket}"})  # fmt: skip
    assert packing.stdout
    packing.stdout.close()
    assert packing.wait(30) == 0


def _answers(base: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        probe.connect(str(base / "docker.sock"))
        probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in probe.recv(4096)
    return False


def _remove_cgroups(name: str) -> None:
    """What the containers of a machine that is gone had: directories without processes."""
    top = Path("/sys/fs/cgroup")
    for place in [top / name, *top.glob(f"*/{name}")]:
        for directory, _, _ in os.walk(place, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def _remove_what_others_left() -> None:
    """Of whoever was killed: the machine went with them, its cgroups and a few small files did not."""
    for base in Path("/tmp").glob("jailed-far-*"):
        if not Path("/proc", base.name.split("-")[2]).exists():
            _remove_cgroups(base.name)
            shutil.rmtree(base, ignore_errors=True)


@contextlib.contextmanager
def remote_engine(near: Engine) -> Iterator[RemoteEngine]:
    """The engine of another machine, with the image under test; `near` is the one that has it."""
    _remove_what_others_left()
    base = Path(tempfile.mkdtemp(prefix=f"jailed-far-{os.getpid()}-", dir="/tmp"))
    base.chmod(0o755)
    (base / "root").mkdir()
    cgroup = base.name
    with open(base / "log", "wb") as log:
        # Ends with this process, by whatever that is ended; and all that runs below with it.
        machine = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
             "sh", "-c", MACHINE, "machine", str(base), f"/{cgroup}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env={"PATH": PATH, "DOCKER_RAMDISK": "1"})  # fmt: skip
    forwarder = None
    try:
        deadline = time.monotonic() + 40
        while not _answers(base):
            if machine.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the second dockerd does not come up:\n" + (base / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.05)
        # Who may connect to the port may do so by ssh, which ends at the socket itself.
        (base / "docker.sock").chmod(0o666)
        forwarder = Forwarder(base / "docker.sock")
        engine = RemoteEngine(base, forwarder.port)
        _fake_ssh(base)
        _contexts(engine)
        _copy_image(near, engine)
        yield engine
        engine.empty()
    finally:
        if forwarder:
            forwarder.cut()
        with contextlib.suppress(ProcessLookupError):
            os.kill(machine.pid, signal.SIGKILL)
        machine.wait()
        time.sleep(0.2)
        _remove_cgroups(cgroup)
        shutil.rmtree(base, ignore_errors=True)
