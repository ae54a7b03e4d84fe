"""The servers of a small internet (world.py): names, TLS, HTTP, and what else listens there. What they see is a line of JSON each.

    world_servers.py DIRECTORY      with world.json, server.pem; writes seen.jsonl, and "ready" to its output
"""
import json
import socket
import ssl
import struct
import sys
import threading
import time
from pathlib import Path

HERE = Path(sys.argv[1])
WORLD = json.loads((HERE / "world.json").read_text())
SEEN = open(HERE / "seen.jsonl", "a", buffering=1)
lock = threading.Lock()


def note(**what) -> None:
    with lock:
        SEEN.write(json.dumps({"time": time.time(), **what}) + "\n")


# ---- names


def answer(query: bytes, flips: dict) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin1"))
        at += 1 + query[at]
    name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1 : at + 3])[0]
    note(kind="dns", name=name, type=kind)
    known = WORLD["names"].get(name)
    if isinstance(known, dict):  # one after the other, without a life
        flips[name] = flips.get(name, -1) + (kind == 1)
        known = known["flip"][max(flips[name], 0) % len(known["flip"])]
    addresses = [known] if isinstance(known, str) else known or []
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
    fitting = [a for a in addresses if family and (":" in a) == (family == socket.AF_INET6)]
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, 4 if kind == 1 else 16) + socket.inet_pton(family, a) for a in fitting)
    code = 0x8180 if known else 0x8183
    return query[:2] + struct.pack(">HHHHH", code, 1, len(fitting), 0, 0) + query[12 : at + 5] + records


def serve_names(address: str) -> None:
    server, flips = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), {}
    server.bind((address, 53))

    def loop() -> None:
        while True:
            query, client = server.recvfrom(2048)
            try:
                server.sendto(answer(query, flips), client)
            except (IndexError, struct.error, OSError):
                note(kind="dns", name="?")

    threading.Thread(target=loop, daemon=True).start()


# ---- HTTP, with TLS and without


def read_head(client) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(65536)
        if not part:
            break
        head += part
    return head


def reply(client, body: bytes, status: str = "200 OK", more: str = "") -> None:
    client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n".encode() + body)


def serve_request(client, address: str, port: int, sni) -> None:
    head, _, rest = read_head(client).partition(b"\r\n\r\n")
    if not head:
        return
    lines = head.decode("latin1").split("\r\n")
    method, path, *_ = lines[0].split(" ") + ["", ""]
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    note(kind="http", address=address, port=port, sni=sni, host=headers.get("host", ""), method=method, path=path, headers=headers)
    if path.startswith("/big/"):  # slowly, when asked: /big/BYTES/SECONDS
        total, *seconds = (int(part) for part in path.split("/")[2:])
        client.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\nConnection: close\r\n\r\n".encode())
        block, left = b"x" * 65536, total
        pause = seconds[0] / (total / 65536) if seconds else 0
        while left:
            client.sendall(block[:left])
            left -= min(left, 65536)
            if pause:
                time.sleep(pause)
    elif path == "/events":
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for number in range(3):
            client.sendall(f"data: {number} {time.time()}\n\n".encode())
            time.sleep(0.3)
    elif method in ("POST", "PUT"):
        got, length = len(rest), int(headers.get("content-length", "0"))
        while got < length:
            part = client.recv(1 << 20)
            if not part:
                break
            got += len(part)
        note(kind="upload", address=address, bytes=got)
        reply(client, f"{got}\n".encode())
    elif headers.get("upgrade", "").lower() == "websocket":
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        client.sendall(client.recv(65536))
    else:
        reply(client, f"hello from {address}\n".encode())


def handle(client, address: str, port: int, context) -> None:
    names = {}
    note(kind="connect", address=address, port=port)
    try:
        client.settimeout(120)
        if context:
            context.sni_callback = None
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            own.load_cert_chain(HERE / "server.pem")
            own.sni_callback = lambda tls, name, ctx: names.update(sni=name)
            client = own.wrap_socket(client, server_side=True)
        serve_request(client, address, port, names.get("sni"))
    except (OSError, ValueError):
        pass
    finally:
        client.close()


def serve_tcp(address: str, port: int, context) -> None:
    server = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=256)

    def loop() -> None:
        while True:
            client, _ = server.accept()
            threading.Thread(target=handle, args=(client, address, port, context), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def serve_datagrams(address: str, port: int) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))

    def loop() -> None:
        while True:
            _, client = server.recvfrom(2048)
            note(kind="datagram", address=address, port=port)
            server.sendto(b"pong", client)

    threading.Thread(target=loop, daemon=True).start()


def main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve_names(WORLD["resolver"])
    for address in WORLD["addresses"]:
        serve_tcp(address, 443, context)
        for port in (80, 22, 8443):
            serve_tcp(address, port, None)
        serve_datagrams(address, 443)
    print("ready", flush=True)
    sys.stdin.read()


main()
