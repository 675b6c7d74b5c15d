"""The device's own network: published ports, and the CONNECT proxy by which a module reaches another by its name.

A module listens on a Unix socket, which is its inside; this is the only way in, and where network faults are made.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

_CHUNK = 64 * 1024
# How much higher a host port is bound that this user may not bind.
MAPPED_UP = 8000
Reach = Callable[[], Path | None]  # the module's socket now, or None where nothing listens


class PortTaken(Exception):
    """The host port is held by something else."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken")
        self.port = port


class Connections:
    """Pumps bytes between two connections, and cuts them all at once."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End every connection, as a cable that is pulled does."""
        for writer in list(self._open):
            writer.transport.abort()

    async def join(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Pump both ways until both sides have ended."""
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}
            for one in (writer, far_writer):
                one.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # either side may go at any moment, which ends this direction and no more
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


class PublishedPort:
    """A host port of the device that leads into a module, as Docker's userland proxy does."""

    def __init__(self, address: str, host_port: int, reach: Reach, connections: Connections) -> None:
        self.address, self.host_port, self.bound_port = address, host_port, 0
        self._reach, self._connections = reach, connections
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen.

        PortTaken when that port of the address is held. A port below 1024 is mapped up where this user may not bind it.
        """
        for port in (self.host_port, self.host_port + MAPPED_UP):
            try:
                self._server = await asyncio.start_server(self._serve, self.address, port)
            except PermissionError:
                continue
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PortTaken(self.host_port) from error
                raise
            self.bound_port = port
            return
        raise PortTaken(self.host_port)

    def close(self) -> None:
        """Stop listening; connections that are open end with the module."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = self._reach()
        try:
            if path is None:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_unix_connection(path)
        except OSError:
            writer.transport.abort()
            return
        await self._connections.join(reader, writer, far_reader, far_writer)


class ModuleProxy:
    """An HTTP CONNECT proxy on a free port of the device's address. ``find(name, port)`` gives the module's socket."""

    def __init__(self, address: str, find: Callable[[str, int], Path | None], connections: Connections) -> None:
        self.address, self.port = address, 0
        self._find, self._connections = find, connections
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self.address, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            name, _, port = target.rpartition(":")
            if method != "CONNECT":
                raise ValueError(method)
            path = self._find(name, int(port))
            if path is None:
                raise ConnectionRefusedError(f"nothing listens at {target}")
            far_reader, far_writer = await asyncio.open_unix_connection(path)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, ValueError):
            writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._connections.join(reader, writer, far_reader, far_writer)
