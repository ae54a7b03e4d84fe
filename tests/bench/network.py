#!/usr/bin/env python3
"""What `--network restricted` costs: a launch, a request, a stream, memory.

    tests/bench/network.py [PAIRS]      (default: 15; as root, with the engine in JAILED_TEST_ENGINE)

A launch is compared with what a careful user would type: the same hardening, a project, the engine's default network. Each pair runs one after
the other, so that both see the same machine, and the ratio is that of the pair. Requests and streams go to a server in a name space of its own
(support/world.py), from a restricted jail and from an open one.
"""
import os
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.jail import IMAGE, Engine, Host, Result, labels, processes_of, wait_for  # noqa: E402
from support.world import World  # noqa: E402

INSIDE = """
import os, socket, ssl, statistics, time
from urllib.parse import urlsplit
context = ssl.create_default_context(cafile="ca.pem")
proxy = urlsplit(os.environ.get("HTTPS_PROXY", ""))

def connect():
    if not proxy.hostname:
        return context.wrap_socket(socket.create_connection(("good.example", 443)), server_hostname="good.example")
    plain = socket.create_connection((proxy.hostname, proxy.port))
    plain.sendall(b"CONNECT good.example:443 HTTP/1.1\\r\\n\\r\\n")
    while b"\\r\\n\\r\\n" not in plain.recv(4096):
        pass
    return context.wrap_socket(plain, server_hostname="good.example")

def get(path):
    began, size = time.perf_counter(), 0
    tls = connect()
    tls.sendall(f"GET {path} HTTP/1.1\\r\\nHost: good.example\\r\\nConnection: close\\r\\n\\r\\n".encode())
    buffer = bytearray(1 << 20)
    while count := tls.recv_into(buffer):
        size += count
    return time.perf_counter() - began, size

get("/warm")
print(1000 * statistics.median(get("/one")[0] for _ in range(200)))
seconds, size = min(get("/big/300000000") for _ in range(3))
print(size / seconds / 1e6)
"""


def careful(host: Host, number: int) -> Result:
    """What somebody types who knows the options."""
    began = time.monotonic()
    done = host.engine.run("run", "--rm", "-i", "--name", f"bench-{os.getpid()}-{number}", "--user", "1000:1000", "--read-only", "--cap-drop", "ALL",
                           "--security-opt", "no-new-privileges", "--pids-limit", "4096", "--tmpfs", "/tmp:exec", "--tmpfs", "/home/coder:exec",
                           "--volume", f"{host.project()}:/workspace", "--workdir", "/workspace", IMAGE, "true")  # fmt: skip
    return Result(done.returncode, b"", b"", time.monotonic() - began)


def launches(host: Host, pairs: int) -> None:
    ways = {"open": [], "restricted": ["--network", "restricted"], "none": ["--network", "none"]}
    times: dict = {name: [] for name in ["careful", *ways]}
    ratios: dict = {name: [] for name in ways}
    for number in range(-1, pairs):
        for name, options in ways.items():
            own = careful(host, number).ok().seconds
            ours = host.run(*options, *host.bind(), "--", "true").ok().seconds
            if number >= 0:
                times["careful"].append(own)
                times[name].append(ours)
                ratios[name].append(ours / own)
    print(f"a careful user's own run: {1000 * statistics.median(times['careful']):.0f} ms")
    for name in ways:
        print(f"--network {name:<12}{1000 * statistics.median(times[name]):>6.0f} ms   {statistics.median(ratios[name]):.2f} of it, median of {pairs} pairs", flush=True)


def traffic(host: Host, world: World) -> None:
    host.write(host.project() / "ca.pem", world.ca.read_text())
    host.environment["JAILED_RUNTIME"] = str(world.client)
    found = {}
    for network in ("open", "restricted"):
        memory: list = []
        if network == "restricted":
            threading.Thread(target=watch_memory, args=(host, memory), daemon=True).start()
        options = ["--allow", "good.example"] if network == "restricted" else []
        result = host.run("--network", network, *options, *host.bind(), "--", "python3", "-c", INSIDE, timeout=300).ok()
        found[network] = [float(word) for word in result.text.split()]
    (direct, direct_rate), (proxied, rate) = found["open"], found["restricted"]
    print(f"a request with a connection of its own: {direct:.1f} ms directly, {proxied:.1f} ms restricted (+ {proxied - direct:.1f} ms), median of 200")
    print(f"a stream of 300 MB: {direct_rate:.0f} MB/s directly, {rate:.0f} MB/s restricted ({rate / direct_rate:.2f} of it), best of 3")
    print(f"the sidecar: {max(memory, default=0) / 1024:.0f} MB resident in all its processes, at most")


def watch_memory(host: Host, memory: list) -> None:
    def found():
        return [jail for jail in host.engine.jails() if labels(jail).get("jailed.role") == "network" and str(host.root) in labels(jail)["jailed.project"]]

    container = wait_for("a sidecar", found, 20)[0]
    while True:
        try:
            pids = processes_of(container)
        except OSError:
            if memory:  # it has ended
                return
            container = wait_for("a sidecar", found, 20)[0]
            continue
        total = 0
        for pid in pids:
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
        memory.append(total)
        time.sleep(0.2)


def main() -> None:
    engine = Engine()
    host, world = Host.create(engine), None
    try:
        launches(host, int(sys.argv[1]) if len(sys.argv) > 1 else 15)
        world = World(engine)
        traffic(host, world)
    finally:
        host.close()
        if world:
            world.close()


if __name__ == "__main__":
    main()
