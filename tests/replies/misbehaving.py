"""A server that answers over TLS as no service should, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Line = ssl.SSLSocket | socket.socket
Behaviour = Callable[[Line], None]


@dataclass
class Server:
    """``behave`` answers the next requests; ``routes`` by a pattern of the path before it. ``requests`` are heads and bodies as they came."""

    address: str
    port: int
    ca_file: str
    behave: Behaviour = lambda line: None
    routes: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"


@contextlib.contextmanager
def serving(address: str, ca_file: str, context: ssl.SSLContext | None) -> Iterator[Server]:
    """A server on a free port of ``address``, without TLS where there is no ``context``."""
    listener = socket.create_server((address, 0))
    server = Server(address, listener.getsockname()[1], ca_file)
    threading.Thread(target=_accept, args=(listener, context, server), daemon=True).start()
    try:
        yield server
    finally:
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext | None, server: Server) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(line, context, server), daemon=True).start()


def _answer(line: socket.socket, context: ssl.SSLContext | None, server: Server) -> None:
    with contextlib.suppress(OSError), line:
        line.settimeout(10)
        secured: Line = context.wrap_socket(line, server_side=True) if context else line
        with contextlib.suppress(OSError), secured:
            received = b""
            while b"\r\n\r\n" not in received:
                chunk = secured.recv(65536)
                if not chunk:
                    return
                received += chunk
            head, _, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            while length and len(body) < int(length[1]):
                body += secured.recv(65536)
            server.requests.append((head + b"\r\n\r\n" + body).decode("utf-8", "replace"))
            path = head.split(b" ")[1].decode()
            behave = next((route for pattern, route in server.routes.items() if re.search(pattern, path)), server.behave)
            behave(secured)


def reply(status: int, body: bytes | str = b"", *, length: int | None = None, **headers: str) -> Behaviour:
    """A reply; ``length`` is announced instead of the true one, ``headers`` are written with dashes for underscores."""
    data = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": "application/json", "Content-Length": str(len(data) if length is None else length)}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return raw(f"HTTP/1.1 {status} Status\r\nConnection: close\r\n{lines}\r\n".encode() + data)


def raw(data: bytes) -> Behaviour:
    return lambda line: line.sendall(data)


def json_reply(value: Any, status: int = 200) -> Behaviour:
    return reply(status, json.dumps(value))


def drip(data: bytes, seconds: float = 0.2) -> Behaviour:
    """A byte at a time."""

    def behave(line: Line) -> None:
        for byte in data:
            line.sendall(bytes((byte,)))
            time.sleep(seconds)

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    def behave(line: Line) -> None:
        line.sendall(head)
        while True:
            line.sendall(piece)

    return behave


def silent(line: Line) -> None:
    time.sleep(8)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_BOMB = gzip.compress(b" " * 50_000_000)
_DEEP = "[" * 100_000 + "]" * 100_000
PAGE = "<!DOCTYPE html><html><body>Sign in to Contoso Wi-Fi</body></html>"
AWAY = "https://127.0.0.88:1/elsewhere"

# What never is a success, whoever is asked.
MISBEHAVIOURS: dict[str, Behaviour] = {
    **{f"redirect {status}": reply(status, "", Location=AWAY) for status in (300, 301, 302, 303, 307, 308)},
    "redirect without a place": reply(302, "[]"),
    "redirect with what was asked for": reply(302, "[]", Location=AWAY),
    "redirect to no encryption": reply(302, "", Location="http://127.0.0.88:1/"),
    "redirect to what is no address": reply(302, "", Location="http://[::1"),
    "not modified": reply(304),
    "switching protocols": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    "created": reply(201, "{}"),
    "begun": reply(202, ""),
    "begun with content": reply(202, '{"status": "Running"}'),
    "no content where it is owed": reply(204),
    "content reset": reply(205),
    "partial content": reply(206, "[]"),
    "many statuses": reply(207, "[]"),
    "unheard-of success": reply(299, "{}"),
    "empty": reply(200),
    "blank": reply(200, " \r\n "),
    "page": reply(200, PAGE, Content_Type="text/html"),
    "page that says it is JSON": reply(200, PAGE),
    "text": reply(200, "OK"),
    "short": reply(200, "[]", length=4_000),
    "short by one": reply(200, '[{"deviceId": "a"}]', length=20),
    "short chunks": raw(_CHUNKED + b"2\r\n[]\r\n"),
    "chunk of no size": raw(_CHUNKED + b"zz\r\n[]\r\n0\r\n\r\n"),
    "chunk of a negative size": raw(_CHUNKED + b"-5\r\n[]\r\n0\r\n\r\n"),
    "cut JSON": reply(200, '[{"deviceId": "a"}, {"devi'),
    "two lengths": raw(_HEAD + b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n[]"),
    "cut header": raw(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing at all": raw(b""),
    "garbled gzip": reply(200, b"\x1f\x8b\x08\x00garbled", Content_Encoding="gzip"),
    "gzip that is none": reply(200, "[]", Content_Encoding="gzip"),
    "cut gzip": reply(200, gzip.compress(b"[]")[:-6], Content_Encoding="gzip"),
    "garbled deflate": reply(200, b"x\x9cgarbled", Content_Encoding="deflate"),
    "cut deflate": reply(200, zlib.compress(b"[]" * 50)[:-5], Content_Encoding="deflate"),
    "unknown packing": reply(200, "[]", Content_Encoding="br"),
    "gzip bomb": reply(200, _BOMB, Content_Encoding="gzip"),
    "bad UTF-8": reply(200, b'[{"deviceId": "\xff\xfe"}]'),
    "UTF-16": reply(200, "[]".encode("utf-16")),
    "deep": reply(200, _DEEP),
    "deep objects": reply(200, '{"a":' * 100_000 + "1" + "}" * 100_000),
    "NaN": reply(200, "NaN"),
    "Infinity within": reply(200, '[{"deviceId": Infinity}]'),
    "huge number": reply(200, "9" * 10_000),
    "number": reply(200, "5"),
    "null": reply(200, "null"),
    "string": reply(200, '"[]"'),
    "list of numbers": reply(200, "[1]"),
    "two values": reply(200, "[] []"),
    "endless": endless(_HEAD + b"\r\n", b" " * 16_384),
    "endless chunks": endless(_CHUNKED, b"4000\r\n" + b" " * 0x4000 + b"\r\n"),
    "endless header": endless(_HEAD, b"X-Header: 1\r\n"),
    "endless interim replies": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "announced beyond bounds": reply(200, "[]", length=10**15),
    "drip": drip(_HEAD + b"Content-Length: 400\r\n\r\n" + b"[" + b" " * 398 + b"]"),
    "header drip": drip(_HEAD + b"X: " + b"x" * 400),
    "silent": silent,
    "silent after the header": lambda line: (line.sendall(_HEAD + b"Content-Length: 9\r\n\r\n["), silent(line))[0],
}
