"""A hub over HTTPS that answers as public evidence shows that Azure answers (tests/cases/azure, case 01): one IoT Edge device.

It shares nothing with the lab but the certificate authority, and no parsing with the console.
"""

from __future__ import annotations

import base64
import copy
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from services.contexts.model import Context, HubSettings, SecretSource
from services.lab.authority import Authority

ADDRESS, DEVICE = "127.0.0.73", "computevm"
_CASE = json.loads(
    (Path(__file__).parent / "cases/azure/01-healthy-edge-device-is-disconnected.json").read_text(encoding="utf-8")
)
_NEVER = "0001-01-01T00:00:00"
_AGENT = f"/twins/{DEVICE}/modules/$edgeAgent"
_EDGE_HUB = f"/twins/{DEVICE}/modules/$edgeHub"


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


class ReplayedHub:
    """``replies`` may be changed while it serves. ``bad_format``: the agent refuses whatever is deployed, as Agent.cs does."""

    def __init__(self, folder: Path, *, bad_format: bool = False, takes: float = 0.5) -> None:
        payload = copy.deepcopy(_CASE["payload"])
        self.identity: dict[str, Any] = payload["GET /devices/{id}"]
        self.modules = [
            {
                "moduleId": module,
                "managedBy": None if module.startswith("$") else "IotEdge",
                "deviceId": DEVICE,
                "generationId": "1",
                "etag": "x",
                "connectionState": state,
                "connectionStateUpdatedTime": _NEVER if state == "Disconnected" else "2026-11-30T20:00:00.0000000Z",
                "lastActivityTime": _NEVER,
                "cloudToDeviceMessageCount": 0,
            }
            for module, state in payload["GET /devices/{id}/modules (connectionState)"].items()
        ]
        self.twin: dict[str, Any] = payload["GET /twins/{id}/modules/$edgeAgent"]
        self.edge_hub = _edge_hub_twin()
        self.ping: tuple[int, Any] = (200, {"status": 200, "payload": None})
        self.query: Callable[[str], list[Any]] | None = None
        self.requests: Counter[str] = Counter()
        self.times: list[float] = []  # of reads of the identity registry
        self._bad_format, self._takes, self._applied_at = bad_format, takes, float("inf")
        hub = self

        class Handler(_Handler):
            replayed = hub

        self._server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        self._server.daemon_threads = True
        authority = Authority(folder, "replay")
        trust = authority.server_context("hub", [ADDRESS], [])
        self._server.socket = trust.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        secret = folder / "connection"
        key = base64.b64encode(b"k" * 32).decode()
        host = f"{ADDRESS}:{self._server.server_port}"
        secret.write_text(f"HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey={key}", encoding="utf-8")
        secret.chmod(0o600)
        self.context = Context(
            "replay", hub=HubSettings(host, SecretSource("file", str(secret)), ca_file=str(authority.ca_file)), device=DEVICE
        )

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def module(self, name: str) -> dict[str, Any]:
        """The identity of a module, to be changed."""
        return next(module for module in self.modules if module["moduleId"] == name)

    def disconnect(self, since: str = "2026-11-30T20:00:00Z") -> None:
        """Nothing is connected any more."""
        for module in self.modules:
            lost = module["connectionState"] == "Connected"
            module["connectionState"] = "Disconnected"
            module["connectionStateUpdatedTime"] = since if lost else module["connectionStateUpdatedTime"]

    def get(self, path: str) -> tuple[int, Any]:
        """The reply to a GET."""
        if path.startswith("/devices"):
            self.times.append(time.monotonic())
        self._settle()
        replies: dict[str, Any] = {
            "/devices": [self.identity],
            f"/devices/{DEVICE}": self.identity,
            f"/devices/{DEVICE}/modules": self.modules,
            _AGENT: self.twin,
            _EDGE_HUB: self.edge_hub,
            "/statistics/service": {"connectedDeviceCount": 0},
            "/statistics/devices": {"totalDeviceCount": 1, "enabledDeviceCount": 1, "disabledDeviceCount": 0},
            "/configurations": [],
        }
        missing = {"Message": "ErrorCode:ModuleNotFound;Module not found", "ExceptionMessage": "Tracking ID:x-TimeStamp:x"}
        return (200, replies[path]) if path in replies else (404, missing)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """The reply to a POST."""
        if path.endswith("/methods"):
            return self.ping
        if path == "/devices/query" and self.query is not None:
            return 200, self.query(body["query"])
        if path.endswith("/applyConfigurationContent"):
            content = body["modulesContent"]["$edgeAgent"]["properties.desired"]
            version = self.twin["properties"]["desired"]["$version"] + 1
            metadata = {"$lastUpdated": _now(), "$lastUpdatedVersion": version}
            self.twin["properties"]["desired"] = {**content, "$metadata": metadata, "$version": version}
            self._applied_at = time.monotonic()
            return 204, None
        return 404, {}

    def _settle(self) -> None:
        """The agent takes a deployment up ``takes`` seconds after it was applied, and reports all of it as running."""
        if time.monotonic() - self._applied_at < self._takes:
            return
        desired, reported = self.twin["properties"]["desired"], self.twin["properties"]["reported"]
        reported["$metadata"] = {"$lastUpdated": _now()}
        if self._bad_format:
            reported["lastDesiredStatus"] = {"code": 400, "description": "Agent configuration format is invalid."}
            return  # lastDesiredVersion stays (Agent.cs)
        reported["lastDesiredVersion"] = desired["$version"]
        sample = reported["modules"]["m1"]
        reported["modules"] = {
            name: {**sample, "settings": dict(module["settings"]), "lastStartTimeUtc": _now()}
            for name, module in desired["modules"].items()
        }


def _edge_hub_twin() -> dict[str, Any]:
    return {
        "deviceId": DEVICE,
        "moduleId": "$edgeHub",
        "etag": "AAAAAAAAAAU=",
        "status": "enabled",
        "connectionState": "Connected",
        "lastActivityTime": f"{_NEVER}Z",
        "version": 102,
        "properties": {
            "desired": {
                "schemaVersion": "1.1",
                "routes": {"upstream": "FROM /messages/* INTO $upstream"},
                "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
                "$metadata": {"$lastUpdated": _now()},
                "$version": 5,
            },
            "reported": {
                "schemaVersion": "1.0",
                "version": {"version": "1.1.3"},
                "lastDesiredVersion": 5,
                "lastDesiredStatus": {"code": 200, "description": ""},
                "clients": {f"{DEVICE}/m1": {"status": "Connected"}},
                "$metadata": {"$lastUpdated": _now()},
                "$version": 97,
            },
        },
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    replayed: ReplayedHub

    def log_message(self, *_arguments: object) -> None:
        """Nothing on standard error."""

    def do_GET(self) -> None:
        path = self._path()
        self._reply(*self.replayed.get(path))

    def do_POST(self) -> None:
        path = self._path()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self._reply(*self.replayed.post(path, body))

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.replayed.requests[f"{self.command} {path}"] += 1
        return path

    def _reply(self, status: int, reply: Any) -> None:
        body = b"" if reply is None else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
