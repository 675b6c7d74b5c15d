"""Direct methods of $edgeAgent (docs/facts/iot-hub.md)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from services.lab.background_tasks import in_background
from services.lab.device.logs import Log
from services.lab.device.versions import has_request_manager, methods

if TYPE_CHECKING:
    from services.lab.device.agent import EdgeAgent

Json = dict[str, Any]
Reply = tuple[int, Any]
_LIMIT = 127_000  # bytes of a reply
_SCHEMAS = ("1.0", "1.1")


class _Bad(Exception):
    """A payload that the agent does not take: status 400."""


class AgentMethods:
    """Answers for one agent."""

    def __init__(self, agent: EdgeAgent) -> None:
        self._agent = agent
        self._tasks: dict[str, Json] = {}

    async def __call__(self, name: str, payload: Any) -> Reply:
        """Carry out a method by its name, any case; return (status, payload)."""
        handlers: dict[str, Callable[[Any], Awaitable[Reply]]] = {
            "ping": self._ping,
            "restartmodule": self._restart,
            "getlogs": self._logs,
            "getmodulelogs": self._logs,
            "uploadlogs": self._upload,
            "uploadmodulelogs": self._upload,
            "uploadsupportbundle": self._upload,
            "gettaskstatus": self._status,
        }
        names = methods(self._agent.version, self._agent.environment)
        if name.lower() not in [one.lower() for one in names]:
            if not has_request_manager(self._agent.version):
                return 501, None  # of the SDK, which has no handler of that name
            return 400, {"message": f"Command '{name}' not found. The supported commands are - {','.join(names)}"}
        try:
            return await handlers[name.lower()](payload)
        except _Bad as error:
            return 400, {"message": str(error)}

    async def _ping(self, payload: Any) -> Reply:
        return 200, None

    async def _restart(self, payload: Any) -> Reply:
        module = str(_checked(payload).get("id") or "")
        if not module:
            raise _Bad("The parameter 'id' is required.")
        if not await self._agent.restart(module):
            return 500, {"message": f"Module {module} not found in the current environment"}
        return 200, None

    async def _logs(self, payload: Any) -> Reply:
        request = _checked(payload)
        packed = request.get("encoding", "none") == "gzip"
        reply = []
        lines = 0
        for name, text in self._select(request):
            lines += text.count("\n")
            if packed:
                reply.append({"id": name, "payloadBytes": base64.b64encode(gzip.compress(text.encode())).decode()})
            else:
                reply.append({"id": name, "payload": text})
        if len(json.dumps(reply)) > _LIMIT or lines > (self._agent.engine.fault("logs-too-large") or {"lines": lines})["lines"]:
            return 400, {"message": "The payload is too large. The payload size limit is 128KB. Use a smaller tail or a filter."}
        return 200, reply

    def _select(self, request: Json) -> list[tuple[str, str]]:
        items = request.get("items")
        if not isinstance(items, list) or not items:
            raise _Bad("The parameter 'items' is required.")
        logs: dict[str, Log] = self._agent.logs()
        now = self._agent.world.clock.now()
        texts_by_module: dict[str, str] = {}
        try:
            for item in items:
                pattern = re.compile(str(item["id"]))
                for name in sorted(logs):
                    if pattern.search(name):
                        lines = logs[name].select(item.get("filter") or {}, now)
                        if request.get("contentType", "text") == "json":
                            texts_by_module[name] = json.dumps([self._as_json(name, line.text, line.level) for line in lines])
                        else:
                            texts_by_module[name] = "".join(f"{line.text}\n" for line in lines)
        except (KeyError, TypeError, AttributeError, ValueError, re.error) as error:
            raise _Bad(f"The request is malformed: {error}") from error
        return list(texts_by_module.items())

    def _as_json(self, name: str, text: str, level: int) -> Json:
        return {
            "iothub": self._agent.world.hub.name,
            "device": self._agent.device,
            "id": name,
            "loglevel": level,
            "text": re.sub(r"^<\d>\s*", "", text),
            "timestamp": None,
            "stream": "stdout",
        }

    async def _upload(self, payload: Any) -> Reply:
        request = _checked(payload)
        address = str(request.get("sasUrl") or "")
        if not address.startswith("https://"):
            raise _Bad("The parameter 'sasUrl' must be an https address.")
        texts = self._select(request if request.get("items") else {**request, "items": [{"id": "."}]})
        status = self._tasks[str(uuid.uuid4())] = {"status": "Running", "message": ""}
        correlation = next(key for key, value in self._tasks.items() if value is status)
        in_background(self._send(address, texts, status))
        return 200, {**status, "correlationId": correlation}

    async def _send(self, address: str, texts: list[tuple[str, str]], status: Json) -> None:
        body = gzip.compress("".join(text for _, text in texts).encode())
        request = urllib.request.Request(address, body, {"x-ms-blob-type": "BlockBlob"}, method="PUT")
        try:
            await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).close())  # https: checked above
        except OSError as error:
            status |= {"status": "Failed", "message": f"Upload failed: {type(error).__name__}"}
        else:
            status |= {"status": "Completed"}

    async def _status(self, payload: Any) -> Reply:
        correlation = str(_checked(payload).get("correlationId") or "")
        if correlation not in self._tasks:
            return 200, {"status": "Unknown", "message": "", "correlationId": correlation}
        return 200, {**self._tasks[correlation], "correlationId": correlation}


def _checked(payload: Any) -> Json:
    if not isinstance(payload, dict) or payload.get("schemaVersion") not in _SCHEMAS:
        raise _Bad("The payload must be an object with schemaVersion 1.0.")
    return payload
