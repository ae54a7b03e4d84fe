"""A small internet for one test run: a network name space of its own with a name server and TLS servers under a test CA, on addresses that
are for documentation, and on a private and a link-local one for what must not be reached. Containers come to it by the machine's routes to
these addresses, which lead there while it lives and nowhere else: so there is one at a time, and another engine's tests wait for it.

Jails find its name server by a client in front of the engine's that adds --dns (the engine's own option) to sidecars, and, where
they have a network, to jails: jailed itself has no option that would.
"""
from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from support.jail import PATH, Engine

PREFIX = "jailed-world-"
HERE = Path(__file__).resolve().parent
RESOLVER = "198.51.100.53"
GOOD, OTHER, UNLISTED = "198.51.100.10", "198.51.100.11", "203.0.113.10"
PRIVATE, LINK_LOCAL = "10.213.7.1", "169.254.213.7"
NAMES = {
    "good.example": [GOOD],
    "a.wild.example": [OTHER],
    "wild.example": [OTHER],
    "other.example": [OTHER],
    "plain.example": [GOOD],
    "evil.example": [UNLISTED],
    "good.example.evil.example": [UNLISTED],
    "notgood.example": [UNLISTED],
    "xn--god-hoa.example": [UNLISTED],
    "private.example": [PRIVATE],
    "metadata.example": [LINK_LOCAL],
    "both.example": [GOOD, PRIVATE],
    "mapped.example": ["::ffff:" + PRIVATE],
    "nat64.example": ["64:ff9b::" + PRIVATE],
    "loopback.example": ["127.0.0.1"],
    "flip.example": {"flip": [[GOOD], [PRIVATE]]},
}
ADDRESSES = [GOOD, OTHER, UNLISTED, PRIVATE, LINK_LOCAL]
CLIENT = """#!/bin/sh
# {client}, with the name server of the test's own world.
for word; do
  if [ "$word" = run ]; then dns=yes; fi
  case $word in none) [ "$last" != --network ] || closed=yes ;; esac
  last=$word
done
if [ -n "$dns" ] && [ -z "$closed" ]; then
  first=$1
  if [ "$first" = run ]; then
    shift
    set -- run --dns {resolver} "$@"
  fi
fi
exec {real} "$@"
"""


def _run(*argv: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run(argv, check=True, capture_output=True, text=True, **more)


def _remove_orphans() -> None:
    """Worlds whose test run was killed; whoever holds the lock is the only one that has one."""
    for line in _run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0] if line else ""
        if name.startswith(PREFIX):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


class World:
    def __init__(self, engine: Engine) -> None:
        self.lock = open("/run/lock/jailed-test-world", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        _remove_orphans()
        self.directory = Path(tempfile.mkdtemp(prefix="jailed-world-"))
        self.directory.chmod(0o755)
        self.name = f"{PREFIX}{os.getpid()}"
        self.routes: list[str] = []
        self.servers = None
        try:
            self._certificates()
            self._wire()
            self._serve()
            self._client(engine)
        except BaseException:
            self.close()
            raise

    # ---- making it

    def _certificates(self) -> None:
        ca, key, request = (str(self.directory / name) for name in ("ca.pem", "ca.key", "request"))
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        _run("openssl", "req", "-x509", *new_key, "-subj", "/CN=the test's own world", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", key, "-out", ca, "-days", "2")
        names = ",".join(f"DNS:{name}" for name in [*NAMES, "*.example"])
        config = self.directory / "extensions"
        config.write_text(f"subjectAltName={names}\n")
        leaf_key, leaf = str(self.directory / "server.key"), str(self.directory / "server.crt")
        _run("openssl", "req", *new_key, "-subj", "/CN=good.example", "-keyout", leaf_key, "-out", request)
        _run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", str(config), "-out", leaf)
        (self.directory / "server.pem").write_text(Path(leaf).read_text() + Path(leaf_key).read_text())

    def _wire(self) -> None:
        outside, inside = f"jw{os.getpid()}o"[:15], f"jw{os.getpid()}i"[:15]
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside)
        _run("ip", "link", "set", inside, "netns", self.name)
        _run("ip", "address", "add", "198.18.213.1/30", "dev", outside)
        _run("ip", "link", "set", outside, "up")
        for words in (("address", "add", "198.18.213.2/30", "dev", inside), ("link", "set", inside, "up"), ("link", "set", "lo", "up"),
                      ("route", "add", "default", "via", "198.18.213.1")):  # fmt: skip
            _run("ip", "-n", self.name, *words)
        for address in [RESOLVER, *ADDRESSES]:
            _run("ip", "-n", self.name, "address", "add", f"{address}/32", "dev", "lo")
            _run("ip", "route", "add", f"{address}/32", "via", "198.18.213.2", "dev", outside)
            self.routes.append(address)

    def _serve(self) -> None:
        (self.directory / "world.json").write_text(json.dumps({"names": NAMES, "resolver": RESOLVER, "addresses": ADDRESSES}))
        self.servers = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "/usr/bin/python3", str(HERE / "world_servers.py"), str(self.directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert self.servers.stdout and self.servers.stdout.readline() == "ready\n"

    def _client(self, engine: Engine) -> None:
        real = shutil.which(engine.client, path=PATH)
        self.client = self.directory / "bin" / engine.client
        self.client.parent.mkdir()
        self.client.write_text(CLIENT.format(client=engine.client, resolver=RESOLVER, real=real))
        self.client.chmod(self.client.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    # ---- using it

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    def seen(self, kind: str = "") -> list[dict]:
        path = self.directory / "seen.jsonl"
        events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [event for event in events if not kind or event["kind"] == kind]

    def forget(self) -> None:
        """What was seen so far counts no more."""
        path = self.directory / "seen.jsonl"
        if path.exists():
            os.truncate(path, 0)

    def close(self) -> None:
        if self.servers:
            self.servers.stdin.close()
            self.servers.terminate()
            self.servers.wait(10)
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)  # with the link, and so the routes
        shutil.rmtree(self.directory, ignore_errors=True)
        self.lock.close()
