"""What the built-in endpoint keeps: events in partitions, each with its own sequence numbers and offsets."""

from __future__ import annotations

import asyncio
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from services.lab.clock import Clock


class Event:
    """One event. ``annotations`` are the ``iothub-*`` and ``x-opt-*`` ones, ``properties`` AMQP's (message_id, content_type…).

    ``encoded`` is for the AMQP listener, which keeps the bytes it made of the event there.
    """

    __slots__ = (
        "annotations",
        "application_properties",
        "body",
        "encoded",
        "enqueued_ms",
        "offset",
        "properties",
        "sequence_number",
    )

    def __init__(
        self,
        sequence_number: int,
        offset: int,
        enqueued_ms: int,
        body: bytes,
        application_properties: Mapping[str, Any],
        annotations: Mapping[str, Any],
        properties: Mapping[str, Any],
    ) -> None:
        self.sequence_number = sequence_number
        self.offset = offset
        self.enqueued_ms = enqueued_ms
        self.body = body
        self.application_properties = application_properties
        self.annotations = annotations
        self.properties = properties
        self.encoded: bytes | None = None


class Partition:
    """A log that forgets its oldest events beyond ``retention``."""

    def __init__(self, retention: int) -> None:
        self.events: list[Event] = []
        self.first = 0  # sequence number of events[0]
        self.next = 0
        self.offset = 0
        self.retention = retention
        self.waiters: set[asyncio.Future[None]] = set()

    @property
    def last(self) -> Event | None:
        """The newest event."""
        return self.events[-1] if self.events else None

    def trim(self, keep: int) -> None:
        """Forget all but the newest ``keep`` events."""
        drop = len(self.events) - keep
        if drop > 0:
            del self.events[:drop]
            self.first += drop


class EventStore:
    """The partitions of one endpoint. A position is the sequence number of the last event already read, -1 before the first."""

    def __init__(self, clock: Clock, partition_count: int = 4, retention: int = 300_000) -> None:
        self.clock = clock
        self.partition_count = partition_count
        self.created_ms = clock.milliseconds()
        self.partitions = [Partition(retention) for _ in range(partition_count)]
        self.listeners: list[Callable[[int, Event], None]] = []
        self._empty: dict[str, Any] = {}

    def partition_of(self, device: str) -> int:
        """A device's events stay in one partition, in order."""
        return zlib.crc32(device.encode()) % self.partition_count

    def append(
        self,
        device: str,
        module: str | None,
        body: bytes,
        properties: Mapping[str, Any] | None = None,
        system: Mapping[str, Any] | None = None,
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Store a device's message; returns (partition, sequence number).

        ``properties`` are application properties; of ``system`` the AMQP ones (message-id, correlation-id, content-type,
        content-encoding, user-id) become message properties and the rest annotations.
        """
        number = self.partition_of(device) if partition is None else partition
        part = self.partitions[number]
        # Enqueued times never run backwards inside a partition, whatever the clock does.
        now = self.clock.milliseconds()
        if part.events and now < part.events[-1].enqueued_ms:
            now = part.events[-1].enqueued_ms
        sequence, offset = part.next, part.offset
        annotations: dict[str, Any] = {
            "iothub-connection-device-id": device,
            "iothub-connection-auth-method": (
                '{"scope":"%s","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}' % ("module" if module else "device")
            ),
            "iothub-connection-auth-generation-id": "637000000000000000",
            "iothub-enqueuedtime": now,
            "iothub-message-source": "Telemetry",
            "x-opt-sequence-number": sequence,
            "x-opt-offset": str(offset),
            "x-opt-enqueued-time": now,
        }
        if module:
            annotations["iothub-connection-module-id"] = module
        message: dict[str, Any] = {}
        for key, value in (system or self._empty).items():
            if key in _MESSAGE_PROPERTIES:
                message[_MESSAGE_PROPERTIES[key]] = value
            else:
                annotations[key] = value
        event = Event(sequence, offset, now, body, properties or self._empty, annotations, message or self._empty)
        part.events.append(event)
        part.next = sequence + 1
        part.offset = offset + len(body) + 300
        if len(part.events) > part.retention * 1.1:
            part.trim(part.retention)
        if part.waiters:
            waiters, part.waiters = part.waiters, set()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        for listener in self.listeners:
            listener(number, event)
        return number, sequence

    def read(self, partition: int, after: int, limit: int) -> list[Event]:
        """Up to ``limit`` events with a sequence number above ``after``; events that retention took are skipped."""
        part = self.partitions[partition]
        start = max(0, after + 1 - part.first)
        return part.events[start : start + limit]

    async def wait(self, partition: int, after: int | None = None) -> None:
        """Until an event arrives; at once when one newer than ``after`` is there already."""
        part = self.partitions[partition]
        if after is not None and part.next > after + 1:
            return
        waiter = asyncio.get_running_loop().create_future()
        part.waiters.add(waiter)
        try:
            await waiter
        finally:
            part.waiters.discard(waiter)

    def latest(self, partition: int) -> int:
        """The position of ``@latest``: the sequence number of the newest event, -1 when there never was one."""
        return self.partitions[partition].next - 1

    def after_offset(self, partition: int, offset: int, inclusive: bool = False) -> int:
        """The position for events whose offset is above (or at) ``offset``."""
        part = self.partitions[partition]
        index = (bisect_left if inclusive else bisect_right)(part.events, offset, key=lambda event: event.offset)
        return part.first + index - 1

    def after_time(self, partition: int, milliseconds: int, inclusive: bool = False) -> int:
        """The position for events enqueued later than (or at) that moment."""
        part = self.partitions[partition]
        index = (bisect_left if inclusive else bisect_right)(part.events, milliseconds, key=lambda event: event.enqueued_ms)
        return part.first + index - 1

    def trim(self, keep: int) -> None:
        """Make retention forget all but the newest ``keep`` events of each partition."""
        for part in self.partitions:
            part.trim(keep)


_MESSAGE_PROPERTIES = {
    "message-id": "message_id",
    "correlation-id": "correlation_id",
    "content-type": "content_type",
    "content-encoding": "content_encoding",
    "user-id": "user_id",
}
