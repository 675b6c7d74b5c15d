"""The CPU host as a process: the classic scoring endpoint of Azure ML's web images, ``GET /`` for health and ``POST /score``.

    python -m services.lab.device.cpu_host --listen 127.0.0.1:8080

A picture's bytes as the body (``application/octet-stream`` or ``image/*``), or JSON ``{"data": "BASE64"}``; the five best classes
come back as JSON inside a JSON string, as scripts with ``json.dumps`` answer.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import signal
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

_LIMIT = 100 * 1024 * 1024
_NAMES = Path(__file__).parents[2] / "client" / "class_names.txt"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any
    timeout = 60

    def address_string(self) -> str:
        return "peer"  # a unix socket has no address

    def log_message(self, format: str, *args: Any) -> None:
        sys.stdout.write(f"<6>{format % args}\n")
        sys.stdout.flush()

    def _answer(self, status: int, value: Any, content_type: str = "application/json") -> None:
        body = value.encode() if content_type == "text/plain" else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/":
            self._answer(200, "Healthy", "text/plain")
        else:
            self._answer(405 if self.path.startswith("/score") else 404, {"error": "use GET / or POST /score"})

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != "/score":
            self._answer(404, {"error": "use POST /score"})
            return
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 < length <= _LIMIT:
            self.close_connection = True
            self._answer(413 if length > _LIMIT else 400, {"error": "a picture is due as the body"})
            return
        from services.lab.model.classify import NotAPicture

        body = self.rfile.read(length)
        try:
            if self.headers.get("Content-Type", "").startswith("application/json"):
                body = base64.b64decode(json.loads(body)["data"], validate=True)
            (scores,) = self.server.classifier([body])
        except (NotAPicture, ValueError, KeyError, TypeError, binascii.Error) as error:
            self._answer(400, {"error": f"no picture: {error}"})
            return
        best = scores.argsort()[::-1][:5]
        names = self.server.names
        self._answer(
            200, json.dumps([{"class": int(one), "label": names[one], "probability": float(scores[one])} for one in best])
        )


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, listen: str) -> None:
        from services.lab.model.classify import Classifier

        self.classifier = Classifier()
        self.names = _NAMES.read_text(encoding="utf-8").splitlines()
        path = listen.removeprefix("unix:")
        if path != listen:
            self.address_family = socket.AF_UNIX
            super().__init__(path, _Handler)  # type: ignore[arg-type]  # typeshed knows TCP's addresses only
        else:
            address, _, port = listen.rpartition(":")
            super().__init__((address, int(port)), _Handler)


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="services.lab.device.cpu_host")
    parser.add_argument("--listen", default="127.0.0.1:8080", help="ADDRESS:PORT or unix:PATH")
    options = parser.parse_args()
    with _Server(options.listen) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        sys.stdout.write(
            f"<6>listening on {options.listen if options.listen.startswith('unix:') else server.server_address[1]}\n"
        )
        sys.stdout.flush()
        server.serve_forever(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
