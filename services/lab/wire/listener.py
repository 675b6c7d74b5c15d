"""A TLS port of the lab and its faults: cut what is connected, refuse what comes, freeze, answer slowly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

# Bytes on the way to a client before its sender waits. Above one batch of events, so that the next is made while one travels.
_HIGH_WATER = 1024 * 1024


class LinkConditions:
    """The conditions on a port: frozen while ``running`` is not set; ``delay`` seconds before each thing that is sent."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.running.set()
        self.delay = 0.0


class Pipe(Protocol):
    """A connection's two directions, whatever carries it."""

    async def read(self) -> bytes:
        """Return the bytes that came next; empty at the end."""

    async def send(self, data: bytes) -> None:
        """Send in order; waits while too much is on the way. Raises ConnectionError when the peer is gone."""

    def abort(self) -> None:
        """End at once."""


class StreamPipe:
    """A Pipe over an asyncio stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conditions: LinkConditions) -> None:
        self._reader, self._writer, self._conditions = reader, writer, conditions
        self._turn = asyncio.Lock()
        writer.transport.set_write_buffer_limits(high=_HIGH_WATER)

    async def read(self) -> bytes:
        """See Pipe."""
        try:
            data = await self._reader.read(65_536)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            return b""
        await self._conditions.running.wait()
        return data

    async def send(self, data: bytes) -> None:
        """See Pipe."""
        async with self._turn:
            await self._conditions.running.wait()
            if self._conditions.delay:
                await asyncio.sleep(self._conditions.delay)
            if self._writer.transport.is_closing():
                raise ConnectionResetError("the peer is gone")
            self._writer.write(data)
            try:
                await self._writer.drain()
            except (ssl.SSLError, TimeoutError) as error:  # what the reading side met, and took for the end
                raise ConnectionResetError("the peer is gone") from error

    def abort(self) -> None:
        """See Pipe."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Send what is left and end."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), 2)
        except (OSError, asyncio.TimeoutError):
            self.abort()


Serve = Callable[[Pipe], Awaitable[None]]


class Listener:
    """One TLS port; ``serve`` gets a Pipe for each connection. ``port`` 0 takes a free one, told by ``port`` after start."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext, serve: Serve) -> None:
        self.address, self.port = address, port
        self.conditions = LinkConditions()
        self._context, self._serve = context, serve
        self._server: asyncio.Server | None = None
        self._connections: dict[Pipe, asyncio.Task[Any]] = {}
        self._refusal = asyncio.Lock()

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.address, self.port, ssl=self._context, backlog=200)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = StreamPipe(reader, writer, self.conditions)
        try:
            await self.carry(pipe)
        except asyncio.CancelledError:
            # Raised by cut() and close() alone; asyncio's streams log a handler that ends cancelled.
            pipe.abort()
        finally:
            await pipe.close()

    async def carry(self, pipe: Pipe) -> None:
        """Serve a connection to its end, also one that came by another port (websocket)."""
        task = asyncio.current_task()
        assert task is not None
        self._connections[pipe] = task
        try:
            await self._serve(pipe)
        except (ConnectionError, ssl.SSLError):
            pipe.abort()
        finally:
            del self._connections[pipe]

    @property
    def connections(self) -> int:
        """How many are connected now."""
        return len(self._connections)

    def cut(self, everything: bool = False) -> None:
        """Break every connection of this port, or with ``everything`` those that came by another one too, without a word."""
        for pipe, task in list(self._connections.items()):
            if everything or isinstance(pipe, StreamPipe):
                pipe.abort()
                task.cancel()

    def freeze(self, on: bool) -> None:
        """Keep connections and accept more, but neither read nor answer."""
        if on:
            self.conditions.running.clear()
        else:
            self.conditions.running.set()

    def slow(self, seconds: float) -> None:
        """Wait that long before everything that is sent; 0 ends it."""
        self.conditions.delay = seconds

    def refuse(self, on: bool) -> asyncio.Task[None]:
        """Refuse new connections (and listen again when off); the task is done when that is in force."""
        return asyncio.get_running_loop().create_task(self._refuse(on))

    async def _refuse(self, on: bool) -> None:
        async with self._refusal:
            if not on:
                await self.start()
            elif self._server is not None:
                self._server.close()
                self._server = None

    async def close(self) -> None:
        """End the port and every connection."""
        await self._refuse(True)
        self.freeze(False)
        tasks = list(self._connections.values())
        self.cut(everything=True)
        await asyncio.gather(*tasks, return_exceptions=True)
