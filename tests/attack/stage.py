"""What the attacks need on the host: canaries to steal, services to reach, files that root would regret; and their tools."""
from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Mapping, Optional, Sequence

from support.jail import IS_ROOT, Host, Result, planned, run_planned

HERE = Path(__file__).resolve().parent
PIDS = 200  # limit of processes of the attacked jail
MEMORY = "1g"  # sizes of /var/tmp, /dev/shm: 64 MiB
FILL = 64  # MiB; every memory file system of the attacked jail is this big

OPTIONS = ("--pids", str(PIDS), "--memory", MEMORY, "--tmp-size", f"{FILL}m", "--home-size", f"{FILL}m", "--shm-size", f"{FILL}m")


class Service:
    """Answers every connection with the canary, on the host's loopback or under an abstract name."""

    def __init__(self, family: int, address, canary: str, greeting: str = "") -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(address)
        self.socket.listen()
        self.address = self.socket.getsockname()
        self.answer = (greeting + canary).encode()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.sendall(self.answer)
                    connection.recv(200)
                except OSError:
                    pass

    def close(self) -> None:
        self.socket.close()


class Stage:
    """One host with a project full of probes, and canaries all around it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.canary = f"canary-{os.urandom(8).hex()}"
        self.project = host.project("workspace")
        neighbour = host.directory("workspace-secret")
        self.secret = host.write(Path(str(neighbour), "secret"), self.canary)
        self.start_up = {
            path: host.write(host.root / "home" / path, "# the host's own\n") for path in (".zshrc", ".bashrc", ".profile", ".gitconfig")
        }
        self.sleeper = subprocess.Popen(["sleep", "1000.5"], stdin=subprocess.DEVNULL, close_fds=True)
        self.services = [Service(socket.AF_UNIX, f"\0{self.canary}", self.canary), Service(socket.AF_INET, ("127.0.0.1", 0), self.canary)]
        self.port = self.services[1].address[1]
        try:
            self.services.append(Service(socket.AF_INET6, ("::1", self.port), self.canary))
        except OSError:
            pass  # a host without IPv6
        self.engine_socket = host.root / "engine.sock"
        self.services.append(Service(socket.AF_UNIX, str(self.engine_socket), self.canary, "HTTP/1.0 200 OK\r\n\r\n"))
        self.engine_socket.chmod(0o666)
        self.ssh = host.write(host.root / "home/.ssh/id_ed25519", self.canary).parent
        self.leak = os.open(self.secret, os.O_RDONLY)
        self._furnish()

    def _furnish(self) -> None:
        compiler = ["gcc", "-O1", "-static", "-o", str(self.project / "syscalls"), str(HERE / "syscalls.c")]
        subprocess.run(compiler, check=True)
        shutil.copy(HERE / "inside.py", self.project / "inside.py")
        facts = {
            "canary": self.canary, "home": str(self.host.root / "home"), "secret": str(self.secret), "project": str(self.project),
            "process": "1000.5", "pid": self.sleeper.pid, "abstract": self.canary, "port": self.port, "pids": PIDS, "fill": FILL,
        }  # fmt: skip
        (self.project / "facts.json").write_text(json.dumps(facts))
        for name in ("syscalls", "inside.py", "facts.json"):
            (self.project / name).chmod(0o755)
            self.host._own(self.project / name)
        self._plant_privileged_files()

    def _plant_privileged_files(self) -> None:
        """What only the host's root could have left there."""
        setuid, capable = self.project / "id-setuid", self.project / "grep-capable"
        shutil.copy("/usr/bin/id", setuid)
        shutil.copy("/bin/grep", capable)
        capable.chmod(0o755)
        if IS_ROOT:
            os.chown(setuid, 0, 0)
            # cap_net_raw and cap_sys_chroot, permitted and effective (struct vfs_cap_data, revision 2)
            os.setxattr(capable, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13 | 1 << 18, 0, 0, 0))
        setuid.chmod(0o4755)

    @property
    def hostile_environment(self) -> dict[str, str]:
        """What a careless shell has: nothing of it may reach the jail."""
        return {
            "MY_TOKEN": self.canary, "AWS_SECRET_ACCESS_KEY": self.canary, "NODE_OPTIONS": "--no-warnings", "BASH_ENV": "/dev/null",
            "SSH_AUTH_SOCK": f"/tmp/{self.canary}", "DISPLAY": ":99", "DBUS_SESSION_BUS_ADDRESS": f"unix:abstract={self.canary}",
            "PYTHONPATH": "/tmp",
        }  # fmt: skip

    def command(self, probes: Sequence[str] = ()) -> list[str]:
        """Runs the named probes, each by the program that has it; all without names."""
        if not probes:
            return ["bash", "-c", 'export PROBE_CWD="$PWD"; ./syscalls; exec python3 inside.py']
        from attacks import SYSTEM_CALLS

        calls = " ".join(name for name in probes if name in SYSTEM_CALLS)
        others = " ".join(name for name in probes if name not in SYSTEM_CALLS)
        parts = [f'export PROBE_CWD="$PWD"; cd {self.project}']
        if calls:
            parts.append(f"./syscalls {calls}")
        if others:
            parts.append(f"python3 inside.py {others}")
        return ["bash", "-c", "; ".join(parts)]

    def careless(self) -> list[str]:
        """What a careless caller's shell does before: it leaves a descriptor, a mask and ignored signals behind."""
        os.set_inheritable(self.leak, True)
        return ["bash", "-c", 'umask 0; trap "" HUP INT USR1; exec 9<"$1"; shift; exec "$@"', "sh", str(self.secret)]

    def attack(self, probes: Sequence[str] = (), options: Sequence[str] = ()) -> dict[str, str]:
        """The real jail, attacked."""
        from attacks import ENDS_THE_JAIL, EXPECTED

        if ENDS_THE_JAIL and not probes:
            probes = [name for name in EXPECTED if name not in ENDS_THE_JAIL]
            return {**self.attack(probes), **{name: self._attack_until_the_end(name) for name in ENDS_THE_JAIL}}
        return outcomes(self._run(probes, options))

    def _attack_until_the_end(self, name: str) -> str:
        result = self._run([name])
        return "the jail ends" if result.status != 0 and name not in result.text else outcomes(result)[name]

    def _run(self, probes: Sequence[str], options: Sequence[str] = ()) -> Result:
        return self.host.run(*OPTIONS, *options, *self.host.bind(self.project), "--", *self.command(probes),
                             env=self.hostile_environment, prefix=self.careless(), timeout=120)  # fmt: skip

    def planned(self, probes: Sequence[str] = ()) -> list[str]:
        """The plan of the default jail. Root's project is idmapped in a launch; here a copy has the jail's owner."""
        argv = planned(self.host, *self.command(probes), project=self.project, options=OPTIONS)
        uid, gid = map(int, argv[argv.index("--user") + 1].split(":"))
        for target in (self.project, "/workspace"):
            at = next(place for place, word in enumerate(argv) if word.endswith(f"target={target}"))
            if f"source={self.project}," not in argv[at]:
                argv[at] = f"type=bind,source={self._copy_for(uid, gid)},target={target}"
        return argv

    def _copy_for(self, uid: int, gid: int) -> Path:
        copy = self.host.root / "copy"
        if not copy.exists():
            shutil.copytree(self.project, copy, symlinks=True)
            for path in (copy, *copy.iterdir()):
                if path.name not in ("id-setuid", "grep-capable"):
                    os.chown(path, uid, gid, follow_symlinks=False)
        return copy

    def run_weakened(self, argv: Sequence[str], env: Optional[Mapping[str, str]] = None) -> dict[str, str]:
        return outcomes(run_planned(self.host, argv, env=env, timeout=120))

    def host_start_up_files(self) -> dict[str, str]:
        return {name: path.read_text() for name, path in self.start_up.items()}

    def close(self) -> None:
        os.close(self.leak)
        self.sleeper.kill()
        self.sleeper.wait()
        for service in self.services:
            service.close()


def outcomes(result: Result) -> dict[str, str]:
    found = dict(line.split(" ", 1) for line in result.text.splitlines() if line[:1].isdigit() and " " in line)
    assert found, f"no probe said anything: {result.status}\n{result.text}\n{result.errors}"
    return found
