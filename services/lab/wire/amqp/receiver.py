"""A reader of one partition: events leave as fast as the client grants credit for them, many in one write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from services.lab.background_tasks import in_background
from services.lab.cloud.hub import Event, EventStore

from . import frames
from .links import Link
from .messages import event_bytes, runtime_metrics
from .readers import Readers
from .selector import position

if TYPE_CHECKING:
    from .session import Session

# Events in one write: enough that the cost of a write does not count, few enough that others get their turn.
_BATCH = 250
_METRICS = "com.microsoft:enable-receiver-runtime-metric"


class EventLink(Link):
    """See the module. ``epoch`` is None for a reader that shares its partition."""

    def __init__(
        self,
        session: Session,
        attach: dict[str, Any],
        address: str,
        store: EventStore,
        readers: Readers,
        group: str,
        partition: int,
    ) -> None:
        super().__init__(session, attach, address)
        self.group, self.partition = group, partition
        properties = {str(key): value for key, value in (attach["properties"] or {}).items()}
        epoch = properties.get("com.microsoft:epoch")
        self.epoch = int(epoch) if isinstance(epoch, int) else None
        self._metrics = _METRICS in frames.names_in(attach["desired_capabilities"])
        self.offered = (_METRICS,) if self._metrics else ()
        self.store = store
        self._readers = readers
        filters = frames.fields_of(attach["source"])[1]["filter"]
        self._position, in_force = position(filters, store, partition)
        self.source = frames.with_filters(attach["source"], in_force)
        self._wake = asyncio.Event()
        self._draining = False
        self._task: asyncio.Task[None] | None = None

    async def opened(self) -> None:
        """See Link."""
        self.store.listeners.append(self._arrived)
        self._task = in_background(self._run())

    def closed(self) -> None:
        """See Link."""
        self._readers.leave(self)
        if self._task is not None:
            self.store.listeners.remove(self._arrived)
            self._task.cancel()

    async def flow(self, fields: dict[str, Any]) -> None:
        """See Link."""
        self._draining = bool(fields["drain"])

    def stir(self) -> None:
        """See Link."""
        self._wake.set()

    def _arrived(self, partition: int, event: Event) -> None:
        if partition == self.partition:
            self._wake.set()

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                await self._send_what_is_there()
                await self._wake.wait()
        except ConnectionError:
            return  # the connection's own reading meets the same end

    async def _send_what_is_there(self) -> None:
        store, session = self.store, self.session
        while self.credit > 0 and session.remote_window > 0:
            events = store.read(self.partition, self._position, min(_BATCH, self.credit, session.remote_window))
            if not events:
                break
            self._position = events[-1].sequence_number
            messages = [event_bytes(event) for event in events]
            if self._metrics:
                head = runtime_metrics(store.partitions[self.partition].last, store.clock.milliseconds())
                messages = [head + message for message in messages]
            await session.connection.send(b"".join(session.transfers(self, messages)))
        if self._draining and self.credit > 0:
            self._draining = False
            self.delivery_count += self.credit
            self.credit = 0
            await session.send_flow(self, drain=True)
