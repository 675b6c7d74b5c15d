"""A receiver of a queue: messages leave unsettled, and the client's outcome completes, abandons or rejects each."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.lab.background_tasks import in_background
from services.lab.cloud.hub.mailbox import CloudMessage, Mailbox

from . import frames
from .links import Link
from .messages import cloud_message_bytes

if TYPE_CHECKING:
    from .session import Session

_SETTLED = 1  # snd-settle-mode: the client takes every message as accepted


class QueueLink(Link):
    """Sends what a mailbox holds: a device's messages, the service's feedback. ``to`` is written into each."""

    def __init__(self, session: Session, attach: dict[str, Any], address: str, queue: Mailbox, to: str = "") -> None:
        super().__init__(session, attach, address)
        self._queue, self._to = queue, to
        self._presettled = attach["snd_settle_mode"] == _SETTLED
        self._in_flight: dict[int, CloudMessage] = {}
        self._wake = asyncio.Event()
        self._draining = False
        self._stop: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def opened(self) -> None:
        """See Link."""
        self._stop = self._queue.watch(self.stir)
        self._task = in_background(self._run())

    def closed(self) -> None:
        """See Link. What was sent and not settled waits for the next receiver."""
        if self._stop is not None:
            self._stop()
        if self._task is not None:
            self._task.cancel()
        for message in self._in_flight.values():
            self._queue.release(message)
        self._in_flight.clear()

    async def flow(self, fields: dict[str, Any]) -> None:
        """See Link."""
        self._draining = bool(fields["drain"])

    def stir(self) -> None:
        """See Link."""
        self._wake.set()

    def outcome(self, delivery: int, code: int | None) -> None:
        """See Link."""
        message = self._in_flight.pop(delivery, None)
        if message is None:
            return
        if code == frames.ACCEPTED:
            self._queue.done(message)
        elif code == frames.REJECTED:
            self._queue.reject(message)
        elif code in (frames.RELEASED, frames.MODIFIED):
            self._queue.abandon(message)
        else:
            self._queue.release(message)

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                await self._send_what_is_there()
                await self._wake.wait()
        except ConnectionError:
            return  # the connection's own reading meets the same end

    async def _send_what_is_there(self) -> None:
        session = self.session
        while self.credit > 0 and session.remote_window > 0 and (message := self._queue.lock()) is not None:
            data = cloud_message_bytes(message, self._to)
            if self._presettled:
                self._queue.done(message)
                await session.send_message(self, data)
            else:
                # The lock's token is the tag: .NET's clients read it as the GUID that it is.
                self._in_flight[session.next_delivery] = message
                await session.send_unsettled(self, data, uuid.UUID(message.lock).bytes_le)
        if self._draining and self.credit > 0:
            self._draining = False
            self.delivery_count += self.credit
            self.credit = 0
            await session.send_flow(self, drain=True)
