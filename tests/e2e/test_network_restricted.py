"""A jail without an interface, and what lets it out: judged by what servers and the name server of a small internet saw (support/world.py)."""
from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from support.jail import IS_ROOT, REPO, GVISOR, Host, labels, processes_of, wait_for
from support.sync import Synced
from support.world import ADDRESSES, GOOD, LINK_LOCAL, OTHER, PRIVATE, UNLISTED, World

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="a world of its own needs root"),
    pytest.mark.skipif(GVISOR, reason="no socket can be mounted there; jailed says so"),
    pytest.mark.xdist_group("network"),
    pytest.mark.side_by_side,
    pytest.mark.timeout(400),  # the first one may wait for another engine's world to end
]

INSIDE = ["private.example", "metadata.example", "both.example", "mapped.example", "nat64.example", "loopback.example", "flip.example"]
ALLOWED = [word for name in ["good.example", "*.wild.example", "plain.example:80", "plain.example", *INSIDE] for word in ("--allow", name)]


@pytest.fixture(scope="module")
def world(engine):
    made = World(engine)
    yield made
    made.close()


@pytest.fixture
def online(host: Host, world: World) -> Host:
    """A host whose containers are in the world."""
    host.environment["JAILED_RUNTIME"] = str(world.client)
    host.write(host.project() / "ca.pem", world.ca.read_text())
    world.forget()
    return host


def restricted(host: Host, script: str, *options: str, network: str = "restricted", **how):
    trust = "".join(f"export {name}=$PWD/ca.pem;" for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS",
                                                               "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"))  # fmt: skip
    return host.run("--network", network, *options, *host.bind(), "--", "bash", "-c", trust + script, **how)


def start(host: Host, script: str, *options: str) -> "subprocess.Popen[bytes]":
    """In the background; `script` says "ready"."""
    child = host.start_raw("--network", "restricted", *options, *host.bind(), "--", "bash", "-c", "export CURL_CA_BUNDLE=$PWD/ca.pem;" + script)
    assert child.stdout.readline() == b"ready\n", child.communicate(timeout=20)
    return child


def containers(host: Host) -> list:
    """Those of this host; others test beside us."""
    return [jail for jail in host.engine.jails() if labels(jail)["jailed.project"].startswith(f"{host.root}/")]


def sidecar(host: Host, after: str = "") -> dict:
    """The one that runs; `after`: another one than this."""

    def found():
        return [jail for jail in containers(host) if labels(jail).get("jailed.role") == "network" and jail["State"]["Running"] and jail["Id"] != after]

    return wait_for("a sidecar", found, 20)[0]


def kill_in(container: dict, program: str) -> None:
    for pid in processes_of(container):
        try:
            name = open(f"/proc/{pid}/comm").read().strip()
        except OSError:
            continue
        if name == program:
            os.kill(pid, signal.SIGKILL)


def marks(world: World) -> dict:
    """What the probes' marks came to: at which address, with which names."""
    found = {event["path"].lstrip("/"): (event["address"], event["sni"], event["host"]) for event in world.seen("http")}
    for event in world.seen("dns"):
        if re.match(r"4\d-", event["name"]):
            found[event["name"].split(".")[0]] = ("resolver", None, event["name"])
    for event in world.seen("datagram"):
        found["48-datagram"] = (event["address"], None, None)
    return found


PROBE = f"python3 - <<'END'\n{(REPO / 'tests/support/network_probe.py').read_text()}\nEND"

# ---- what goes out


def test_the_attacks_see_nothing_of_the_world(online: Host, world: World) -> None:
    result = restricted(online, PROBE, *ALLOWED, timeout=180).ok()
    assert result.text.endswith("done\n"), result.text
    came = marks(world)
    expected = {"39-what-is-allowed", "39-below-a-star", "39-plain-where-it-is-allowed", "39-first", "44-other-host-in-http"}
    flips = {mark for mark in came if mark.startswith("50-flip-")}
    assert set(came) - flips == expected, result.text
    # The header of a plain request is that of the host that was asked for.
    assert came["44-other-host-in-http"] == (GOOD, None, "plain.example")
    assert {came[mark][0] for mark in flips} <= {GOOD}
    # Nothing was even tried where nobody may go.
    reached = {event["address"] for event in world.seen("connect")}
    assert reached <= {GOOD, OTHER}, reached
    assert {event["port"] for event in world.seen("connect")} <= {443, 80}
    # And no name was asked for that is on no list.
    assert not [event["name"] for event in world.seen("dns") if "evil" in event["name"] or event["name"] == "wild.example"]
    assert "ADMITTED" not in result.text
    assert "refused: evil.example:443" in result.errors and "to allow: jailed network allow evil.example" in result.errors


def test_control_in_an_open_jail_they_succeed(online: Host, world: World) -> None:
    result = restricted(online, PROBE, network="open", timeout=180).ok()
    came = marks(world)
    for mark in ("40-unlisted-https", "40-unlisted-http", "40-plain-where-tls-is-allowed", "41-past-the-proxy", "41-past-the-proxy-unlisted", "42-address",
                 "42-odd-port", "43-lookalike", "43-as-a-subdomain", "43-apex-of-a-star", "43-idn", "43-trailing-dot", "43-case", "44-other-name-in-tls",
                 "44-other-allowed-name-in-tls", "44-no-name-in-tls", "45-ssh-port", "46-data-in-a-name", "46-own-question", "48-datagram", "49-link-local",
                 "49-name-of-link-local", "50-private", "50-name-of-private"):  # fmt: skip
        assert mark in came, (mark, result.text)
    assert came["44-other-name-in-tls"] == (GOOD, "evil.example", "evil.example")
    assert came["44-no-name-in-tls"][1] is None
    assert came["50-name-of-private"][0] == PRIVATE and came["49-name-of-link-local"][0] == LINK_LOCAL and came["40-unlisted-https"][0] == UNLISTED


def test_who_only_observes_sees_all_but_private_addresses(online: Host, world: World) -> None:
    result = restricted(online, PROBE, network="observe", timeout=180).ok()
    came = marks(world)
    # The controls of what the proxy refuses by its policy.
    for mark in ("40-unlisted-https", "40-unlisted-http", "43-lookalike", "44-other-name-in-tls", "44-no-name-in-tls", "42-odd-port", "45-ssh-port"):
        assert mark in came, (mark, result.text)
    assert not {event["address"] for event in world.seen("connect")} & {PRIVATE, LINK_LOCAL}


def test_without_a_network_there_is_none(online: Host, world: World) -> None:
    restricted(online, PROBE + "\n[ $(ls /sys/class/net | wc -l) = 1 ] && ! env | grep -qi _proxy=", network="none", timeout=120).ok()
    assert world.seen() == []
    assert containers(online) == []


# ---- what comes through


def test_streams_uploads_and_sockets_come_through(online: Host, world: World) -> None:
    script = r"""
    set -e
    curl -sSf https://good.example/big/100000000 | wc -c
    head -c 60000000 /dev/zero | curl -sSf -T - -H 'Content-Length: 60000000' -H 'Transfer-Encoding:' -X PUT https://good.example/upload
    curl -sSfN https://good.example/events | while read -r word number sent; do [ "$word" != data: ] || echo "late $(python3 -c "import time; print(time.time() - $sent > 0.25)")"; done
    python3 - <<'END'
import os, socket, ssl
proxy = socket.create_connection(("127.0.0.1", 3128))
proxy.sendall(b"CONNECT good.example:443 HTTP/1.1\r\n\r\n")
proxy.recv(4096)
tls = ssl.create_default_context(cafile="ca.pem").wrap_socket(proxy, server_hostname="good.example")
tls.sendall(b"GET /ws HTTP/1.1\r\nHost: good.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
assert b"101" in tls.recv(4096)
tls.sendall(b"ping")
print(tls.recv(100).decode())
END
    """
    result = restricted(online, script, *ALLOWED, timeout=120).ok()
    assert result.text.split() == ["100000000", "60000000", *["late", "False"] * 3, "ping"]
    assert world.seen("upload")[0]["bytes"] == 60000000


TOOLS = {
    "curl": "curl -sS https://good.example/curl",
    "git": "git ls-remote https://good.example/git.git",
    "pip": "pip download --no-cache-dir --retries 0 --index-url https://good.example/pip/ x",
    "uv": "uv pip install --no-cache --target /tmp/uv --index-url https://good.example/uv/ x",
    "npm": "npm view --fetch-retries 0 --registry https://good.example/npm/ x",
    "cargo": "cd /tmp && cargo search --index sparse+https://good.example/cargo/ x; cargo init -q a && cd a && printf '[dependencies]\\nx={version=\"1\",registry=\"w\"}\\n' >>Cargo.toml"
             " && CARGO_NET_RETRY=0 CARGO_REGISTRIES_W_INDEX=sparse+https://good.example/cargo/ cargo fetch",
    "go": "cd /tmp && GOPROXY=https://good.example/go GOFLAGS=-mod=mod GONOSUMDB='*' go list -m -versions good.example/go/x",
    "node": "node -e 'fetch(\"https://good.example/node\").then(r => console.log(r.status))'",
    "python": "python3 -c 'import urllib.request as u; print(u.urlopen(\"https://good.example/python\").status)'",
    "gh": "GH_TOKEN=x gh api --hostname good.example gh",
}  # fmt: skip


def test_tools_find_the_proxy(online: Host, world: World) -> None:
    script = "\n".join(f"({command}) >/tmp/{tool}.out 2>&1 </dev/null || true; echo {tool} done" for tool, command in TOOLS.items())
    result = restricted(online, script + "\ntail -n 3 /tmp/*.out", *ALLOWED, timeout=180).ok()
    agents = {event["path"].strip("/").split("/")[0].split(".")[0].replace("api", "gh"): event["headers"].get("user-agent", "") for event in world.seen("http")}
    assert set(TOOLS) <= set(agents), (set(TOOLS) - set(agents), result.text)


# ---- what becomes of it


def test_the_first_request_waits_and_a_forwarder_that_is_killed_comes_back(online: Host, world: World) -> None:
    script = "for number in 1 2 3; do curl -sS https://good.example/$number; pkill -9 -x forward || exit 9; done; curl -sS https://good.example/last"
    result = restricted(online, script, *ALLOWED).ok()
    assert result.text == f"hello from {GOOD}\n" * 4


FLOOD = """
import socket, threading
proxy = socket.create_connection(("127.0.0.1", 3128))
name = ".".join(["a" * 60] * 4) + ".example"
request = f"GET http://{name}/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode() * 100
def read():
    while proxy.recv(1 << 20):
        pass
threading.Thread(target=read, daemon=True).start()
for number in range(400):
    proxy.sendall(request)
print("ready", flush=True)
input()
"""


def test_a_flood_of_requests_leaves_a_bounded_log(online: Host) -> None:
    child = subprocess.Popen(online._argv(["--network", "restricted", *online.bind(), "--", "python3", "-c", FLOOD]), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=online.root, env=online._environment(None))  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    (session,) = (online.config / "sessions").iterdir()
    wait_for("a second file", lambda: (session / "network-log/log.1").exists(), 30)
    sizes = {path.name: path.stat().st_size for path in (session / "network-log").iterdir()}
    assert set(sizes) == {"log", "log.1"} and max(sizes.values()) <= 4 << 20, sizes
    _, errors = child.communicate(b"\n", timeout=30)
    assert errors.decode().count("refused:") == 1, errors


def test_a_refusal_says_what_to_do(online: Host) -> None:
    page = restricted(online, "curl -sS --proxytunnel -w '%{http_connect}' https://evil.example/ || true; curl -s http://evil.example/").ok()
    assert "403" in page.text
    assert "this jail may not talk to evil.example" in page.text and "jailed network allow evil.example" in page.text
    assert "[jailed] refused: evil.example:443 ×1; to allow: jailed network allow evil.example\n" in page.errors


@pytest.mark.parametrize("program", ["squid", "sidecar"])
def test_killed_at_any_moment_not_one_byte_goes_another_way(online: Host, world: World, program: str) -> None:
    script = """
    echo ready
    while read -r number; do
      curl -sS -o /dev/null --max-time 30 https://good.example/big/8000000/2 2>/dev/null && echo whole || echo broken
      for way in 1 2 3; do
        curl -sS --noproxy '*' --max-time 2 https://good.example/direct --resolve good.example:443:198.51.100.10 2>/dev/null && echo DIRECT
        sleep 0.05
      done
      for try in $(seq 60); do
        [ "$(curl -sS --max-time 20 https://good.example/back 2>/dev/null)" = "hello from 198.51.100.10" ] && echo back && break
        sleep 0.1
      done
    done
    """
    running = subprocess.Popen(online._argv(["--network", "restricted", *ALLOWED, *online.bind(), "--", "bash", "-c", "export CURL_CA_BUNDLE=$PWD/ca.pem;" + script]),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=online.root, env=online._environment(None))  # fmt: skip
    assert running.stdout.readline() == b"ready\n"
    container = sidecar(online)
    outcomes = []
    # At random moments of a download of two seconds, and every night at more of them.
    moments = [random.uniform(0.05, 1.9) for _ in range(10 if os.environ.get("JAILED_TEST_EVERYWHERE") == "1" else 4)]
    for moment in moments:
        running.stdin.write(b"next\n")
        running.stdin.flush()
        time.sleep(moment)
        kill_in(container, program)
        outcomes += [running.stdout.readline().decode().strip(), running.stdout.readline().decode().strip()]
        container = sidecar(online, after=container["Id"] if program == "sidecar" else "")
    running.stdin.close()
    assert running.wait(30) == 0
    assert outcomes[1::2] == ["back"] * len(moments), (moments, outcomes)
    assert "broken" in outcomes[0::2], (moments, outcomes)
    assert not [event for event in world.seen("http") if event["path"] == "/direct"]


def test_the_sidecar_goes_with_its_jail(online: Host, world: World) -> None:
    child = start(online, "echo ready; sleep 60", *ALLOWED)
    sidecar(online)
    listed = json.loads(online.run("ls", "--json").ok().text)
    ours = [jail["name"] for jail in listed if jail["project"] == str(online.project())]
    assert len(ours) == 1 and not ours[0].endswith("-network"), ours
    os.kill(child.pid, signal.SIGKILL)
    wait_for("both containers gone", lambda: not containers(online), 15)
    online.jail("true").ok()
    assert not list((online.config / "sessions").iterdir())
    child.wait(5)


def test_stopped_from_another_terminal(online: Host, world: World) -> None:
    child = start(online, "echo ready; sleep 60", *ALLOWED)
    sidecar(online)
    online.run("stop").ok()
    child.wait(20)
    assert not containers(online)


def test_rules_change_under_a_running_jail_and_its_connections_stay(online: Host, world: World) -> None:
    script = """
    curl -sS https://good.example/big/4000000/4 >/tmp/big & big=$!
    curl -s http://evil.example/before
    echo ready
    until curl -sSf https://evil.example/allowed 2>/dev/null; do sleep 0.1; done
    until ! curl -sSf https://evil.example/denied 2>/dev/null >/dev/null; do sleep 0.1; done
    wait $big; wc -c </tmp/big
    """
    child = online.start_raw("--network", "restricted", *ALLOWED, *online.bind(), "--", "bash", "-c", "export CURL_CA_BUNDLE=$PWD/ca.pem;" + script)
    while (line := child.stdout.readline()) != b"ready\n":
        assert line, child.stderr.read()
    project = online.project()
    assert "too, which runs" in online.run("network", "allow", "evil.example", cwd=project).ok().errors
    assert child.stdout.readline() == f"hello from {UNLISTED}\n".encode()
    assert online.run("network", "check", "evil.example", cwd=project).text == "evil.example: allowed (network allow: evil.example)\n"
    online.run("network", "deny", "evil.example", cwd=project).ok()
    table = online.run("network", "log", cwd=project).ok().text
    assert "refused: host" in table and "passed" in table
    assert child.stdout.readline() == b"4000000\n"
    assert child.wait(20) == 0
    # For good: the next jail of this project is told the same.
    refused = restricted(online, "curl -s http://evil.example/", "--allow", "evil.example").ok()
    assert "may not talk to evil.example" in refused.text or "HTTPS at port 443 only" in refused.text


def test_the_hosts_of_remotes_are_allowed_and_no_more(online: Host, world: World) -> None:
    subprocess.run(online.caller.argv(["git", "init", "-q", str(online.project())]), check=True, env=online.environment)
    subprocess.run(online.caller.argv(["git", "-C", str(online.project()), "remote", "add", "origin", "git@good.example:me/app.git"]), check=True, env=online.environment)
    restricted(online, "curl -sSf https://good.example/remote; ! curl -sSf https://other.example/remote", "--allow-set", "git").ok()
    assert [event["host"] for event in world.seen("http")] == ["good.example"]


def test_suggested_is_what_was_used(online: Host, world: World) -> None:
    child = online.start_raw("--network", "observe", *online.bind(), "--", "bash", "-c",
                             "export CURL_CA_BUNDLE=$PWD/ca.pem; curl -s https://good.example/ >/dev/null; curl -s http://evil.example/ >/dev/null; echo ready; sleep 30")  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    suggested = online.run("network", "suggest", cwd=online.project()).ok()
    assert f"--allow evil.example:80 --allow good.example {online.project()}" in suggested.text
    assert "upload" in suggested.errors
    online.run("stop").ok()
    child.wait(20)


def test_with_mutagen_it_is_the_same(online: Host, world: World, mutagen) -> None:
    synced = Synced(online, mutagen)
    try:
        script = "export CURL_CA_BUNDLE=$PWD/ca.pem; curl -sSf https://good.example/; curl -s http://evil.example/ | head -c 30; echo; ls /sys/class/net; touch came-home"
        result = online.run("--network", "restricted", *ALLOWED, synced.project, "--", "bash", "-c", script, timeout=110).ok()
        assert result.text == f"hello from {GOOD}\njailed: this jail may not talk\nlo\n", result.text
        assert (synced.project / "came-home").exists()
        assert "refused: evil.example:80" in result.errors
        assert not containers(online)
    finally:
        synced.close()
