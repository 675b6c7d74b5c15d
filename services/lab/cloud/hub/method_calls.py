"""Direct methods on their way to one client: a request goes out with an id, the client's reply comes back with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from services.lab import strict_json
from services.lab.cloud.hub.errors import HubError


class MethodCalls:
    """The methods that wait for one client's reply. ``send(number, name, payload)`` carries a request to it."""

    def __init__(self, send: Callable[[int, str, bytes], None]) -> None:
        self._send = send
        self._waiting: dict[int, asyncio.Future[tuple[int, Any]]] = {}
        self._count = 0

    async def call(self, name: str, payload: Any) -> tuple[int, Any]:
        """Call the method and return status and payload of the reply; HubError 404104 when the client goes before it."""
        self._count += 1
        number = self._count
        reply: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        self._send(number, name, json.dumps(payload).encode())
        try:
            return await reply
        finally:
            del self._waiting[number]

    def reply(self, number: int, status: object, payload: bytes) -> None:
        """Take the client's reply; one that nobody waits for any more is dropped."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done():
            return
        try:
            code = int(str(status))
            body = strict_json.loads(payload) if payload else None
        except (ValueError, RecursionError):
            waiting.set_exception(HubError(400004, "The device's reply is no JSON, or has no status.", nested=True))
        else:
            waiting.set_result((code, body))

    def gone(self) -> None:
        """Fail the calls that wait for a client that has left."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(HubError(404104, nested=True))
