"""Lines on loopback between console and lab, which can be cut, held half open, slowed, or answered by somebody else."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import Any

_ELSEWHERE = b"HTTP/1.1 %d Moved\r\nLocation: https://%s/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
_PAGE = b"<html>Please sign in.</html>"
FOREIGN_REPLIES = {
    "redirect": lambda trap: _ELSEWHERE % (302, trap.encode()),
    "redirect-with-body": lambda trap: _ELSEWHERE % (307, trap.encode()),
    "sign-in-page": lambda trap: _OK + b"Content-Length: %d\r\n\r\n" % len(_PAGE) + _PAGE,
    "empty": lambda trap: _OK + b"Content-Length: 0\r\n\r\n",
    "short": lambda trap: _OK + b"Content-Length: 4000\r\n\r\n[]",
    "garbled": lambda trap: _OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
}


class Loop:
    """An event loop in a thread of its own, for the lines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Awaitable[Any]) -> Any:
        """Run ``work`` there; gives its result."""

        async def awaited() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(30)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call ``function`` there."""
        self._loop.call_soon_threadsafe(function, *arguments)


class Line:
    """A CONNECT proxy; with ``identity`` a TLS server that carries everything to ``target`` instead.

    ``foreign_reply`` is what such a server answers itself to every request, for as long as it is set.
    """

    def __init__(self, loop: Loop, address: str, identity: ssl.SSLContext | None = None) -> None:
        self.loop, self.address = loop, address
        self.target: tuple[str, int, ssl.SSLContext] | None = None
        self.bytes_a_second = 0.0
        self.foreign_reply = b""
        self._identity = identity
        self._writers: set[asyncio.StreamWriter] = set()
        loop.run(self._listen())

    async def _listen(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        server = await asyncio.start_server(self._accept, self.address, 0, ssl=self._identity)
        self.port: int = server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection."""
        self.loop.call(self._cut)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def hold(self, on: bool) -> None:
        """Keep every connection, and carry nothing."""
        self.loop.call(self._open.clear if on else self._open.set)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            if self.target is not None and self.foreign_reply:
                await _request(reader)
                writer.write(self.foreign_reply)
                await writer.drain()
                return
            if self.target is not None:
                host, port, trust = self.target
                back, other = await asyncio.open_connection(host, port, ssl=trust)
            else:
                wanted = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
                host, _, name = wanted.rpartition(":")
                back, other = await asyncio.open_connection(host, int(name))
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._writers.add(other)
            pumps = [asyncio.ensure_future(self._pump(*ends)) for ends in ((reader, other), (back, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.transport.abort()
        finally:
            for end in filter(None, (writer, other)):
                self._writers.discard(end)
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                await self._open.wait()
                if self.bytes_a_second:
                    await asyncio.sleep(len(data) / self.bytes_a_second)
                writer.write(data)
                await writer.drain()
        except (OSError, ssl.SSLError):
            return


class Trap:
    """Where foreign replies redirect to; ``connections`` counts who followed."""

    def __init__(self, loop: Loop, address: str) -> None:
        self.connections = 0
        loop.run(self._listen(address))

    async def _listen(self, address: str) -> None:
        server = await asyncio.start_server(self._accept, address, 0)
        self.host = f"{address}:{server.sockets[0].getsockname()[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


async def _request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, named, rest = head.partition(b"content-length:")
    if named:
        await reader.readexactly(int(rest.split(b"\r\n")[0]))
