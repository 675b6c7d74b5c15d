"""A limit to the time that a request's headers may take: aiohttp 3.14 has none before the first request is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

# What HTTP.sys, behind which a hub's HTTPS stands, waits by default (docs/facts/lab-answers.md, HTTPS).
SECONDS = 120.0


class _Connection(asyncio.Protocol):
    """Passes everything on to aiohttp's handler, and aborts a connection whose headers are not whole in time."""

    def __init__(self, limit: HeaderLimit, handler: Any) -> None:
        self._limit, self._handler = limit, handler
        self._timer: asyncio.TimerHandle | None = None
        self.answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._limit.connections[transport] = self
        self._start()
        self._handler.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self.answering:
            self._start()
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        answer: bool | None = self._handler.eof_received()
        return answer

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.stop()
        self._limit.connections.pop(self._transport, None)
        self._handler.connection_lost(error)

    def _start(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limit.seconds, self._transport.abort)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class HeaderLimit:
    """A factory of protocols around another one's. ``begin`` and ``end`` bracket each request that was read whole."""

    def __init__(self, handlers: Callable[[], Any], seconds: float = SECONDS) -> None:
        self._handlers, self.seconds = handlers, seconds
        self.connections: dict[asyncio.BaseTransport, _Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a connection."""
        return _Connection(self, self._handlers())

    def begin(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that the headers are whole."""
        if transport is not None and (connection := self.connections.get(transport)):
            connection.answering = True
            connection.stop()

    def end(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that the answer is given: what comes next is another request."""
        if transport is not None and (connection := self.connections.get(transport)):
            connection.answering = False
