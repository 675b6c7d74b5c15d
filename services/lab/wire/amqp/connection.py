"""One AMQP connection: headers, SASL, open, heartbeats, and the sessions on its channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from services.lab.background_tasks import in_background
from services.lab.wire.listener import Pipe

from . import frames
from .links import Refusal
from .session import Session
from .types import CodecError, Symbol, UByte, UInt, UShort

if TYPE_CHECKING:
    from .nodes import Nodes

# Event Hubs closes a connection on which nothing came for four minutes, and one that does not get as far as its open sooner.
_IDLE = 240.0
_UNOPENED = 60.0


class Connection:
    """Serves one client from its first byte to its last. ``nodes`` decides about identities and addresses."""

    def __init__(self, pipe: Pipe, nodes: Nodes, container: str) -> None:
        self.nodes = nodes
        self.frame_limit = frames.MIN_FRAME
        self.hostname = ""
        self._pipe = pipe
        self._container = container
        self._sessions: dict[int, Session] = {}
        self._ended: set[int] = set()
        self._open = False
        self._buffer = bytearray()
        self._heartbeat: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Serve until either side ends the connection. Raises ConnectionError when the client vanishes."""
        try:
            header = await self._header()
            if header == frames.SASL_HEADER:
                await self._sasl()
                header = await self._header()
            await self._pipe.send(frames.AMQP_HEADER)
            if header != frames.AMQP_HEADER:
                return
            async for frame in self._frames():
                if frame.sasl or not await self._frame(frame):
                    return
        except CodecError as error:
            await self._fail("amqp:decode-error", str(error))
        except Refusal as refusal:
            await self._fail(refusal.condition, refusal.description)
        except _Ended:
            return
        finally:
            if self._heartbeat is not None:
                self._heartbeat.cancel()
            for session in self._sessions.values():
                session.ended()
            self.nodes.left()

    async def send(self, data: bytes) -> None:
        """Send frames to the client, in order."""
        await self._pipe.send(data)

    async def _more(self) -> None:
        limit = _IDLE * 2 if self._open else _UNOPENED
        try:
            data = await asyncio.wait_for(self._pipe.read(), limit)
        except asyncio.TimeoutError:
            if self._open:
                raise Refusal(
                    "amqp:resource-limit-exceeded", "The connection was inactive for more than the allowed time."
                ) from None
            raise _Ended from None
        if not data:
            raise _Ended
        self._buffer += data

    async def _header(self) -> bytes:
        while len(self._buffer) < 8:
            await self._more()
        header = bytes(self._buffer[:8])
        del self._buffer[:8]
        return header

    async def _frames(self) -> AsyncIterator[frames.Frame]:
        while True:
            while len(self._buffer) < 8:
                await self._more()
            size = int.from_bytes(self._buffer[:4], "big")
            if not 8 <= size <= frames.MAX_FRAME:
                raise Refusal("amqp:connection:framing-error", f"A frame of {size} bytes is not allowed.")
            while len(self._buffer) < size:
                await self._more()
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frames.parse_frame(data)

    async def _sasl(self) -> None:
        mechanisms = frames.symbols("MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL")
        await self._pipe.send(frames.SASL_HEADER + frames.frame(0, frames.SASL_MECHANISMS, sasl_server_mechanisms=mechanisms))
        async for frame in self._frames():
            if frame.code != frames.SASL_INIT:
                raise _Ended
            accepted = self._authenticate(frame.fields["mechanism"], frame.fields["initial_response"] or b"")
            await self._pipe.send(frames.frame(0, frames.SASL_OUTCOME, code=UByte(0 if accepted else 1)))
            if not accepted:
                raise _Ended
            return

    def _authenticate(self, mechanism: str, response: bytes) -> bool:
        if mechanism != "PLAIN":
            return mechanism in ("MSSBCBS", "ANONYMOUS")
        parts = response.split(b"\0")
        return len(parts) == 3 and self.nodes.sign_in(parts[1].decode("utf-8", "replace"), parts[2].decode("utf-8", "replace"))

    async def _frame(self, frame: frames.Frame) -> bool:
        """Take a frame and return whether the connection goes on."""
        code = frame.code
        if code == 0:
            return True
        if not self._open:
            if code != frames.OPEN:
                raise Refusal("amqp:not-allowed", "The first frame of a connection is open.")
            await self._opened(frame)
        elif code == frames.CLOSE:
            await self._pipe.send(frames.frame(0, frames.CLOSE))
            return False
        elif code == frames.BEGIN:
            await self._begin(frame)
        elif code == frames.END:
            session = self._sessions.pop(frame.channel, None)
            if session is not None:
                session.ended()
                self._ended.add(frame.channel)
                await self._pipe.send(frames.frame(frame.channel, frames.END))
        elif frame.channel in self._sessions:
            await self._sessions[frame.channel].frame(frame)
        elif frame.channel not in self._ended:
            # Clients of azure-eventhub detach links after they ended the session; that alone is let pass.
            raise Refusal("amqp:not-allowed", f"There is no session on channel {frame.channel}.")
        return True

    async def _opened(self, frame: frames.Frame) -> None:
        self._open = True
        self.hostname = frame.fields["hostname"] or ""
        peer_limit = frame.fields["max_frame_size"]
        self.frame_limit = max(
            frames.MIN_FRAME, min(frames.MAX_FRAME, int(peer_limit) if peer_limit is not None else frames.MAX_FRAME)
        )
        await self._pipe.send(
            frames.frame(
                0,
                frames.OPEN,
                container_id=self._container,
                hostname=self.hostname,
                max_frame_size=UInt(frames.MAX_FRAME),
                channel_max=UShort(4999),
                idle_time_out=UInt(int(_IDLE * 1000)),
                properties={Symbol("product"): "dbe-console lab"},
            )
        )
        patience = frame.fields["idle_time_out"]
        if patience:
            self._heartbeat = in_background(self._beat(int(patience) / 2000))

    async def _beat(self, every: float) -> None:
        try:
            while True:
                await asyncio.sleep(max(every, 0.05))
                await self._pipe.send(frames.HEARTBEAT)
        except ConnectionError:
            return  # serve() meets the same end

    async def _begin(self, frame: frames.Frame) -> None:
        if frame.channel in self._sessions:
            raise Refusal("amqp:not-allowed", f"There is a session on channel {frame.channel} already.")
        self._sessions[frame.channel] = Session(self, frame.channel, frame.fields)
        await self._pipe.send(
            frames.frame(
                frame.channel,
                frames.BEGIN,
                remote_channel=UShort(frame.channel),
                next_outgoing_id=UInt(0),
                incoming_window=UInt(65_536),
                outgoing_window=UInt(65_536),
                handle_max=UInt(255),
            )
        )

    async def _fail(self, condition: str, description: str) -> None:
        if self._open:
            await self._pipe.send(frames.frame(0, frames.CLOSE, error=frames.error(condition, description)))


class _Ended(Exception):
    """The connection is over, and nothing more is to be said."""
