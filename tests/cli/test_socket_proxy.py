"""The filtering proxy as a process, before an engine that only notes what reaches it."""
from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from harness import Host, wait_until

SESSION = "5e551011"
OWN = "a" * 64


class FakeEngine:
    """Notes every byte of every connection, and answers each as `answers` says by the request's beginning."""

    def __init__(self, path: Path) -> None:
        self.requests: list[bytes] = []
        self.answers: dict[str, bytes] = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)
        path.chmod(0o666)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            client.settimeout(5)
            seen = b""
            while b"\r\n\r\n" not in seen:
                piece = client.recv(65536)
                if not piece:
                    return
                seen += piece
            head, _, body = seen.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
            while len(body) < length or (b"chunked" in head and not body.endswith(b"0\r\n\r\n")):
                body += client.recv(65536)
            at = len(self.requests)
            self.requests.append(head + b"\r\n\r\n" + body)
            first = head.decode().split(" HTTP")[0]
            answer = next((text for start, text in self.answers.items() if first.startswith(start)), reply(200, b"{}"))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who has heard enough
                client.sendall(answer)
            if answer.startswith(b"HTTP/1.1 101"):
                while piece := client.recv(65536):
                    self.requests[at] += piece
                    client.sendall(b"echo:" + piece)

    def seen(self) -> list[str]:
        return [request.decode(errors="replace").split("\r\n")[0] for request in self.requests]


def reply(status: int, body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Proxy:
    def __init__(self, directory: Path, *limits: str, annotations: str = "-") -> None:
        self.directory = directory
        (directory / "session").mkdir()
        self.engine = FakeEngine(directory / "engine.sock")
        self.engine.answers = {
            "POST /containers/create": reply(201, json.dumps({"Id": OWN}).encode()),
            "GET /containers/json": reply(200, b"[]"),
            "GET /networks": reply(200, b"[]"),
        }
        argv = [*limits, Host.binary, "__socket-proxy", directory / "session", directory / "engine.sock", SESSION, "12345", "12345", "-", "-", "-", annotations]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout and self.process.stdout.readline() == b"ready\n"

    def raw(self, data: bytes, wait: float = 5) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(wait)
            client.connect(str(self.directory / "session/docker.sock"))
            seen = b""
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
            except BrokenPipeError:
                pass  # it has answered, and wants no more
            try:
                while piece := client.recv(65536):
                    seen += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return seen

    def call(self, method: str, target: str, body: bytes = b"", more: str = "") -> tuple[int, bytes]:
        head = f"{method} {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        answer = self.raw(head.encode() + body)
        return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]

    def end(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        status = self.process.wait(20)
        self.engine.listener.close()
        return status


@pytest.fixture
def new_proxy(base):
    """Makes proxies, with limits of their own: new_proxy("--nofile=24:24")."""
    made = []

    def make(*limits: str, **more: str) -> Proxy:
        directory = Path(tempfile.mkdtemp(prefix="proxy-", dir=base))
        directory.chmod(0o755)
        made.append(Proxy(directory, *(["/usr/bin/prlimit", *limits, "--"] if limits else []), **more))
        return made[-1]

    yield make
    for running in made:
        if running.process.poll() is None:
            running.end()


@pytest.fixture
def proxy(new_proxy):
    return new_proxy()


def create(proxy: Proxy, body: dict | None = None) -> tuple[int, bytes]:
    return proxy.call("POST", "/containers/create?name=mine", json.dumps(body or {"Image": "x"}).encode())


def test_only_what_the_proxy_wrote_itself_reaches_the_engine(proxy):
    status, _ = proxy.call("GET", "/_ping", more="X-Evil: 1\r\nUser-Agent: y\r\nCookie: z\r\n")
    assert status == 200
    assert proxy.engine.requests[0].split(b"\r\n") == [b"GET /_ping HTTP/1.1", b"Host: docker", b"Connection: close", b"", b""]


def test_a_created_container_is_labelled_and_then_the_jails_to_use(proxy):
    assert proxy.call("POST", "/containers/mine/start")[0] == 404
    assert create(proxy)[0] == 201
    body = json.loads(proxy.engine.requests[-1].partition(b"\r\n\r\n")[2])
    assert {name: value for name, value in body["Labels"].items() if value} == {"jailed.sibling": SESSION}
    assert "jailed.session" in body["Labels"]  # empty: whatever the image says
    assert proxy.call("POST", "/containers/mine/start")[0] == 200
    assert proxy.engine.seen()[-1] == f"POST /containers/{OWN}/start HTTP/1.1"


EVIL = b'{"Image":"x","HostConfig":{"Privileged":true}}'
HIDDEN = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: " + str(len(EVIL)).encode() + b"\r\n\r\n" + EVIL
SMUGGLED = {
    "two lengths": b"POST /containers/mine/start HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "length and chunks": b"POST /containers/mine/start HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    % (5 + len(HIDDEN)) + HIDDEN,
    "another spelling of chunked": b"POST /containers/mine/start HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a list of encodings": b"POST /containers/mine/start HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "space before the colon": b"POST /containers/mine/start HTTP/1.1\r\nHost: d\r\nContent-Length : %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "bare line feeds": b"POST /containers/mine/start HTTP/1.1\nHost: d\nContent-Length: 0\n\n" + HIDDEN,
    "a body on GET": b"GET /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a pipeline": b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n" + HIDDEN,
    "a line in the target": b"GET /_ping\r\nX: y HTTP/1.1\r\nHost: d\r\n\r\n" + HIDDEN,
    "an upgrade that the engine declines": b"POST /containers/mine/attach?stream=1 HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\n"
    b"Connection: Upgrade\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "an upgrade to HTTP/2": b"GET /_ping HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n" + HIDDEN,
    "a form that replaces the query": b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 11\r\n\r\nprivileged=",
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled_to_the_engine(proxy, name):
    create(proxy)
    before = len(proxy.engine.requests)
    proxy.raw(SMUGGLED[name], wait=2)
    for request in proxy.engine.requests[before:]:
        assert b"Privileged" not in request and request.count(b"HTTP/1.1") == 1, request
        assert b"content-length" not in request.lower() or request.lower().count(b"content-length") == 1


def test_chunked_bodies_are_read_and_sent_on_whole(proxy):
    body = b'{"Image":"x"}'
    chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
    answer = proxy.raw(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert b" 201 " in answer.split(b"\r\n")[0]
    assert b"chunked" not in proxy.engine.requests[-1]


def test_bodies_and_headers_have_a_largest_size(proxy):
    assert proxy.call("POST", "/containers/create", b" " * (1024 * 1024 + 1))[0] == 413
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = proxy.raw(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0] or answer == b""
    proxy.raw(b"GET /_ping HTTP/1.1\r\nX: " + b"y" * 500_000 + b"\r\n\r\n")
    assert proxy.engine.requests == []
    assert proxy.call("GET", "/_ping")[0] == 200


def test_a_raw_connection_goes_both_ways_once_the_engine_agrees(proxy):
    create(proxy)
    proxy.engine.answers["POST /containers/"] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nwelcome"
    proxy.engine.answers = {"POST /containers/" + OWN: proxy.engine.answers["POST /containers/"], **proxy.engine.answers}
    answer = proxy.raw(b"POST /containers/mine/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello")
    assert answer.startswith(b"HTTP/1.1 101 ") and b"welcome" in answer and answer.endswith(b"echo:hello")


def test_an_archive_streams_into_the_jails_own_container(proxy):
    create(proxy)
    body = b"z" * (3 * 1024 * 1024)
    assert proxy.call("PUT", "/containers/mine/archive?path=/tmp", body)[0] == 200
    request = proxy.engine.requests[-1]
    assert request.startswith(f"PUT /containers/{OWN}/archive?path=%2Ftmp HTTP/1.1\r\n".encode()) and request.count(b"z") == len(body)
    assert proxy.call("PUT", "/containers/other/archive?path=/tmp", b"z")[0] == 404


def test_a_pull_never_moves_an_image_that_is_there(proxy):
    assert proxy.call("POST", "/images/create?fromImage=jailed&tag=latest")[0] == 200
    assert proxy.engine.seen() == ["GET /images/jailed:latest/json HTTP/1.1"]
    proxy.engine.answers["GET /images/"] = reply(404, b"{}")
    assert proxy.call("POST", "/images/create?fromImage=jailed&tag=latest")[0] == 200
    assert proxy.engine.seen()[-1] == "POST /images/create?fromImage=jailed&tag=latest HTTP/1.1"
    # Without a tag Docker would pull, and move, all of them.
    assert proxy.call("POST", "/images/create?fromImage=jailed")[0] == 200
    assert proxy.engine.seen()[-1] == "POST /images/create?fromImage=jailed&tag=latest HTTP/1.1"
    proxy.engine.answers["GET /images/"] = reply(500, b"{}")
    assert proxy.call("POST", "/images/create?fromImage=jailed&tag=1")[0] == 502
    assert proxy.engine.seen()[-1] == "GET /images/jailed:1/json HTTP/1.1"


def memory_at_most(proxy: Proxy) -> int:
    """MiB that the proxy has had at once."""
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) >> 10


def test_what_an_image_says_of_itself_takes_no_memory(proxy):
    """A pull kept it whole, and an image's labels are as long as whoever pushed it likes: each connection could have 64 MiB of them."""
    proxy.engine.answers["GET /images/"] = reply(200, b'{"Config": "' + b"a" * (50 << 20) + b'"}')
    assert proxy.call("POST", "/images/create?fromImage=x")[0] == 200
    assert memory_at_most(proxy) < 30


ENDLESS = {"beside a chunk's size": (b"1;x=", b"a"), "a field after the last chunk": (b"0\r\nX: ", b"a"), "fields after the last chunk": (b"0\r\n", b"X: y\r\n")}


@pytest.mark.parametrize("call", ["POST /containers/create", "PUT /containers/mine/archive?path=/tmp"])
@pytest.mark.parametrize("name", ENDLESS)
def test_what_stands_beside_chunks_takes_no_memory(proxy, call, name):
    """It was kept until its end came: as much of this machine's memory as a jail liked to send."""
    create(proxy)
    start, piece = ENDLESS[name]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(proxy.directory / "session/docker.sock"))
        client.sendall(f"{call} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + start)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(60):
                client.sendall(piece * ((1 << 20) // len(piece)))
    assert memory_at_most(proxy) < 30
    assert proxy.call("GET", "/_ping")[0] == 200


def test_a_volume_that_was_there_before_stays_its_owners(proxy):
    proxy.engine.answers["POST /volumes/create"] = reply(201, b'{"Name":"data","Labels":null}')
    assert proxy.call("POST", "/volumes/create", b'{"Name":"data"}')[0] == 409
    assert proxy.call("DELETE", "/volumes/data")[0] == 404


def test_at_the_end_the_engine_is_asked_for_the_label_and_everything_goes(proxy):
    create(proxy)
    answers = [reply(200, json.dumps([{"Id": OWN}]).encode()), reply(200, b"[]")]

    class Once(dict):
        def items(self):
            yield "GET /containers/json", answers[0]
            yield from super().items()

    proxy.engine.answers = Once(proxy.engine.answers)
    original = proxy.engine._serve

    def serve(client):
        original(client)
        if any(line.startswith("DELETE") for line in proxy.engine.seen()):
            answers[0] = answers[1]

    proxy.engine._serve = serve
    assert proxy.end() == 0
    assert f"DELETE /containers/{OWN}?force=1&v=1 HTTP/1.1" in proxy.engine.seen()
    asked = [line for line in proxy.engine.seen() if line.startswith("GET /containers/json")]
    assert all(f"jailed.sibling%3D{SESSION}" in line for line in asked)


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_flood_of_connections_is_neither_served_for_ever_nor_spun_on(new_proxy):
    proxy = new_proxy("--nofile=24:24")
    clients = []
    for _ in range(60):
        clients.append(socket.socket(socket.AF_UNIX))
        clients[-1].settimeout(5)
        clients[-1].connect(str(proxy.directory / "session/docker.sock"))
    time.sleep(0.5)
    before = cpu_ticks(proxy.process.pid)
    time.sleep(1.5)
    assert cpu_ticks(proxy.process.pid) - before < 5
    # With the flood still there.
    assert proxy.end() == 0
    assert any(line.startswith("GET /volumes") for line in proxy.engine.seen())
    for client in clients:
        client.close()


def test_after_a_flood_the_next_client_is_served(new_proxy):
    proxy = new_proxy("--nofile=24:24")
    for _ in range(60):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(proxy.directory / "session/docker.sock"))
    time.sleep(0.3)
    assert proxy.call("GET", "/_ping")[0] == 200


def test_a_machine_without_room_for_a_thread_costs_one_connection_and_no_removal(new_proxy):
    proxy = new_proxy("--nproc=1:1")
    assert proxy.raw(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n") == b""
    assert proxy.raw(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n") == b""
    assert proxy.process.poll() is None
    assert proxy.end() == 0
    assert any(line.startswith("GET /volumes") for line in proxy.engine.seen())


def test_a_proxy_that_root_starts_is_not_root(proxy):
    fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{proxy.process.pid}/status").read_text().splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split() + fields["Gid"].split() + fields["Groups"].split()
    assert fields["NoNewPrivs"] == "1" and int(fields["CapEff"], 16) == 0


def test_an_engine_that_is_not_there_is_said_at_once(base):
    done = subprocess.run([Host.binary, "__socket-proxy", base, base / "none", SESSION, "1", "1", "-", "-", "-", "-"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)  # fmt: skip
    assert done.returncode == 125 and "cannot reach the engine's socket" in done.stdout


def test_an_answer_nested_ever_deeper_does_not_end_the_proxy(proxy):
    """Copied by recursion it overran the stack, and what the jail had made stayed."""
    deep = b"[" * 300_000 + b"]" * 300_000
    proxy.engine.answers["POST /volumes/create"] = reply(201, b'{"Name": "v", "Labels": {"a": ' + deep + b"}}")
    assert proxy.raw(b"POST /volumes/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}") == b""
    assert proxy.call("GET", "/containers/json") == (200, b"[]")
    proxy.engine.answers["GET /containers/json"] = reply(200, b'[{"Id": "x", "a": ' + deep + b"}]")
    assert proxy.end() == 125 and (proxy.directory / "session/docker.sock").exists()


def test_what_the_jail_made_goes_however_long_the_list_of_it_is(proxy):
    """Its labels are the jail's own words, and the engine spells `<` in six bytes: a dozen containers made a list longer than any answer that is read."""
    assert create(proxy, {"Image": "x", "Labels": {"a": "<" * 1_000_000}})[0] == 201
    assert proxy.call("POST", "/networks/create", b'{"Name": "n"}')[0] == 200
    proxy.engine.answers["POST /volumes/create"] = proxy.engine.answers["GET /volumes/v"] = reply(201, json.dumps({"Name": "v", "Labels": {"jailed.sibling": SESSION}}).encode())
    assert proxy.call("POST", "/volumes/create", b"{}")[0] == 201
    long = reply(200, json.dumps([{"Id": OWN, "Labels": {"a": "\\u003c" * (12 << 20)}}]).encode())

    class UntilRemoved(dict):
        def items(self):
            gone = any(line.startswith(f"DELETE /containers/{OWN}") for line in proxy.engine.seen())
            yield "GET /containers/json", reply(200, b"[]") if gone else long
            yield from super().items()

    proxy.engine.answers = UntilRemoved(proxy.engine.answers)
    assert proxy.end() == 0
    assert f"DELETE /containers/{OWN}?force=1&v=1 HTTP/1.1" in proxy.engine.seen() and "DELETE /volumes/v HTTP/1.1" in proxy.engine.seen()


def test_a_volume_that_is_somebody_elses_by_now_stays_at_the_end(proxy):
    proxy.engine.answers["POST /volumes/create"] = reply(201, json.dumps({"Name": "data", "Labels": {"jailed.sibling": SESSION}}).encode())
    assert proxy.call("POST", "/volumes/create", b'{"Name": "data"}')[0] == 201
    proxy.engine.answers["GET /volumes/data"] = reply(200, b'{"Name": "data", "Labels": null}')
    assert proxy.end() == 0
    assert not any(line.startswith("DELETE") for line in proxy.engine.seen())


def in_parallel(count: int, call) -> list:
    answers: list = []
    threads = [threading.Thread(target=lambda: answers.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class Slow:
    """Answers what begins with `start` after so long, and counts how many wait for it at once."""

    def __init__(self, engine: FakeEngine, start: str, seconds: float) -> None:
        self.now = self.most = self.count = 0
        lock, original = threading.Lock(), engine.answers

        class Answers(dict):
            def items(inner):
                first = engine.seen()[-1]
                if first.startswith(start):
                    with lock:
                        self.now, self.count = self.now + 1, self.count + 1
                        self.most = max(self.most, self.now)
                    time.sleep(seconds)
                    with lock:
                        self.now -= 1
                yield from original.items()

        engine.answers = Answers(original)


def test_long_lists_are_in_memory_one_at_a_time(proxy):
    """A hundred connections had 64 MiB each in the memory of the host, which no limit of the jail's counts."""
    slow = Slow(proxy.engine, "GET /containers/json", 0.1)
    answers = in_parallel(12, lambda: proxy.call("GET", "/containers/json"))
    assert [status for status, _ in answers] == [200] * 12 and slow.most == 1


def test_what_is_asked_for_at_the_same_moment_is_counted(proxy):
    ids = iter(range(1000))

    class Fresh(dict):
        def items(self):
            yield "POST /networks/create", reply(201, json.dumps({"Id": f"{next(ids):064x}"}).encode())
            yield from super().items()

    proxy.engine.answers = Fresh(proxy.engine.answers)
    slow = Slow(proxy.engine, "POST /networks/create", 0.5)
    answers = in_parallel(40, lambda: proxy.call("POST", "/networks/create", b'{"Name": "n"}'))
    assert sorted(status for status, _ in answers) == [201] * 16 + [409] * 24 and slow.count == 16
    # One that the engine refuses is not counted for ever.
    assert proxy.call("POST", "/networks/prune")[0] == 200


def test_who_no_longer_waits_for_an_answer_holds_no_connection(proxy):
    """With an engine that hangs, clients that gave up kept all connections of the proxy, and the next ones found it closed."""
    create(proxy)
    Slow(proxy.engine, f"POST /containers/{OWN}/wait", 60)
    clients = []
    for _ in range(128):
        clients.append(socket.socket(socket.AF_UNIX))
        clients[-1].connect(str(proxy.directory / "session/docker.sock"))
        clients[-1].sendall(b"POST /containers/mine/wait HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
    wait_until(lambda: sum("/wait" in line for line in proxy.engine.seen()) >= 100)
    for client in clients:
        client.close()
    wait_until(lambda: proxy.raw(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200"))


def test_who_waits_still_gets_what_comes_late(proxy):
    create(proxy)
    Slow(proxy.engine, f"GET /containers/{OWN}/logs", 2)
    assert proxy.call("GET", "/containers/mine/logs?follow=1&stdout=1")[0] == 200


def test_an_engine_that_is_silent_at_the_end_keeps_nobody(proxy):
    """The proxy waited for it for ever, and was left behind."""
    Slow(proxy.engine, "GET /_ping", 300)
    Slow(proxy.engine, "GET /containers/json", 300)
    proxy.process.stdin.close()
    assert proxy.process.wait(40) == 125 and (proxy.directory / "session/docker.sock").exists()


IMAGE_ID = "sha256:" + "1" * 64
OBEYED = ["run.oci.seccomp_bpf_data", "org.systemd.property.FailureAction", "io.podman.annotations.x", "io.containers.trace-syscall", "x"]


@pytest.mark.parametrize("annotations, status", [(None, 201), ({}, 201), ({"org.opencontainers.image.title": "t"}, 201), *(({name: "y"}, 403) for name in OBEYED),
                                                 ("text", 502), ([], 502)], ids=str)  # fmt: skip
def test_no_image_tells_podmans_runtime_what_to_do(new_proxy, annotations, status):
    """Podman gives a container the annotations of its image, and crun and runc obey some of them."""
    proxy = new_proxy(annotations="annotations")
    proxy.engine.answers |= {"GET /images/evil:1/json": reply(200, json.dumps({"Id": IMAGE_ID}).encode()),
                             f"GET /v4.0.0/libpod/images/{IMAGE_ID}/json": reply(200, json.dumps({"Id": IMAGE_ID, "Annotations": annotations}).encode())}  # fmt: skip
    answered, text = proxy.call("POST", "/containers/create", json.dumps({"Image": "evil:1"}).encode())
    assert answered == status, text
    assert any(request.startswith(b"POST /containers/create") for request in proxy.engine.requests) == (status == 201)
    if status == 403:
        assert next(iter(annotations)).encode() in text


def test_an_image_that_is_not_there_or_not_told_about_makes_no_container(new_proxy):
    """Between the look and the making it could be pulled."""
    proxy = new_proxy(annotations="annotations")
    proxy.engine.answers["GET /images/"] = reply(404, b'{"message": "no such image"}')
    assert proxy.call("POST", "/containers/create", b'{"Image": "evil"}') == (404, b'{"message": "no such image"}')
    for known in (b"[]", b"{}", b'{"Id": 3}', b'{"Id": "../x"}', json.dumps({"Id": IMAGE_ID}).encode()):
        proxy.engine.answers["GET /images/"] = reply(200, known)
        assert proxy.call("POST", "/containers/create", b'{"Image": "evil"}')[0] == 502
    assert not any(request.startswith(b"POST") for request in proxy.engine.requests)


def test_with_docker_no_image_is_asked_about(proxy):
    assert proxy.call("POST", "/containers/create", b'{"Image": "x"}')[0] == 201
    assert not any(b"/images/" in request for request in proxy.engine.requests)
