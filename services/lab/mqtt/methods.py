"""Direct methods over MQTT: a request goes out with an id, the client's reply comes back with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from services.lab import strict_json
from services.lab.hub import HubError

from .packets import Publish
from .topics import request_id


class Methods:
    """The methods that wait for one client's reply."""

    def __init__(self, send: Callable[[Publish], None]) -> None:
        self._send = send
        self._waiting: dict[str, asyncio.Future[tuple[int, Any]]] = {}
        self._count = 0

    async def call(self, name: str, payload: Any) -> tuple[int, Any]:
        """Status and payload of the reply. HubError 404104 when the client goes before it."""
        self._count += 1
        number = f"{self._count:x}"
        reply: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        self._send(Publish(f"$iothub/methods/POST/{quote(name, safe='')}/?$rid={number}", json.dumps(payload).encode()))
        try:
            return await reply
        finally:
            del self._waiting[number]

    def reply(self, topic: str, payload: bytes) -> None:
        """A publish on ``$iothub/methods/res/{status}/?$rid=…``; one that nobody waits for any more is dropped."""
        waiting = self._waiting.get(request_id(topic))
        if waiting is None or waiting.done():
            return
        try:
            status = int(topic.split("/")[3])
            body = strict_json.loads(payload) if payload else None
        except (ValueError, IndexError, RecursionError):
            waiting.set_exception(HubError(400004, "The device's reply is no JSON, or has no status.", nested=True))
        else:
            waiting.set_result((status, body))

    def gone(self) -> None:
        """The client has left."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(HubError(404104, nested=True))
