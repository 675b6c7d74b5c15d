"""What the built-in endpoint keeps: events in partitions, each with its own sequence numbers and offsets."""

from __future__ import annotations

import asyncio
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from services.lab.clock import Clock


class Event:
    """One event: ``properties`` are AMQP's own (message_id, content_type…), ``annotations`` the ``iothub-*`` and ``x-opt-*`` ones.

    Those annotations that all events of a sender have alike (``sender``) are kept once, and what is sent to a reader is made
    anew for each: an event costs little more than its body.
    """

    __slots__ = ("application_properties", "body", "enqueued_ms", "offset", "properties", "sender", "sequence_number")

    def __init__(
        self,
        sequence_number: int,
        offset: int,
        enqueued_ms: int,
        body: bytes,
        application_properties: Mapping[str, Any],
        sender: Mapping[str, Any],
        properties: Mapping[str, Any],
    ) -> None:
        self.sequence_number = sequence_number
        self.offset = offset
        self.enqueued_ms = enqueued_ms
        self.body = body
        self.application_properties = application_properties
        self.sender = sender
        self.properties = properties

    @property
    def annotations(self) -> dict[str, Any]:
        """All the annotations."""
        return {
            "iothub-enqueuedtime": self.enqueued_ms,
            **self.sender,
            "x-opt-sequence-number": self.sequence_number,
            "x-opt-offset": str(self.offset),
            "x-opt-enqueued-time": self.enqueued_ms,
        }

    @property
    def size(self) -> int:
        """Bytes of the body and the properties."""
        return size_of(self.body, self.application_properties, self.properties)


def size_of(body: bytes, application: Mapping[str, Any], system: Mapping[str, Any]) -> int:
    """Return a message's size as the hub counts it: the body, names and values of its own properties, values of the system's.

    Source: docs/facts/lab-answers.md (message size).
    """
    return (
        len(body)
        + sum(len(str(key)) + len(str(value)) for key, value in application.items())
        + sum(len(str(value)) for value in system.values())
    )


def auth_method(scope: str) -> str:
    """Return the annotation ``iothub-connection-auth-method``; ``scope`` is whose key signed the sender's token: hub, device or module."""
    return '{"scope":"' + scope + '","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}'


@lru_cache(maxsize=4096)
def _sender(annotations: tuple[tuple[str, type, Any], ...]) -> Mapping[str, Any]:
    """Return one mapping for all events of one sender, by value *and* type, for 1 == True."""
    return {key: value for key, _, value in annotations}


# What the built-in endpoint keeps unless it is told otherwise (docs/facts/lab-answers.md).
_DAY_MS = 24 * 3600 * 1000
_SLACK_MS = 10 * 60 * 1000
# A bound of the lab's own, so that a stream cannot fill the machine: bytes of events in one partition.
_MOST_BYTES = 96 * 1024 * 1024


class Partition:
    """A log that forgets its oldest events beyond ``retention`` in number, ``most_bytes`` in size, and a day in age.

    Each is overstepped a little before anything is cut off, so that this happens seldom.
    """

    def __init__(self, retention: int, most_bytes: int = _MOST_BYTES) -> None:
        self.events: list[Event] = []
        self.first = 0  # sequence number of events[0]
        self.next = 0
        self.offset = 0
        self.retention = retention
        self.most_bytes = most_bytes
        self.bytes = 0
        self.waiters: set[asyncio.Future[None]] = set()

    @property
    def last(self) -> Event | None:
        """The newest event."""
        return self.events[-1] if self.events else None

    def add(self, event: Event) -> None:
        """Append an event and forget what is too much."""
        self.events.append(event)
        self.bytes += event.size
        self.next = event.sequence_number + 1
        if len(self.events) > self.retention * 1.1:
            self.trim(self.retention)
        if self.bytes > self.most_bytes * 1.1:
            over, count = self.bytes - self.most_bytes, 0
            while over > 0:
                over -= self.events[count].size
                count += 1
            self._forget(count)

    def trim(self, keep: int) -> None:
        """Forget all but the newest ``keep`` events."""
        self._forget(len(self.events) - keep)

    def age(self, now_ms: int) -> None:
        """Forget what is older than a day."""
        if self.events and self.events[0].enqueued_ms < now_ms - _DAY_MS - _SLACK_MS:
            self._forget(bisect_left(self.events, now_ms - _DAY_MS, key=lambda event: event.enqueued_ms))

    def _forget(self, count: int) -> None:
        if count > 0:
            self.bytes -= sum(event.size for event in self.events[:count])
            del self.events[:count]
            self.first += count


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
        """Return the partition of a device, whose events stay in one, in order."""
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
        annotations: dict[str, Any] = {
            "iothub-connection-device-id": device,
            "iothub-connection-auth-method": auth_method("module" if module else "device"),
            "iothub-connection-auth-generation-id": "637000000000000000",
            "iothub-message-source": "Telemetry",
        }
        if module:
            annotations["iothub-connection-module-id"] = module
        message: dict[str, Any] = {}
        for key, value in (system or self._empty).items():
            if key in _MESSAGE_PROPERTIES:
                message[_MESSAGE_PROPERTIES[key]] = value
            else:
                annotations[key] = value
        event = Event(
            part.next,
            part.offset,
            now,
            body,
            properties or self._empty,
            _sender(tuple([(key, type(value), value) for key, value in annotations.items()])),
            message or self._empty,
        )
        part.offset += len(body) + 300
        part.age(now)
        part.add(event)
        if part.waiters:
            waiters, part.waiters = part.waiters, set()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        for listener in self.listeners:
            listener(number, event)
        return number, event.sequence_number

    def read(self, partition: int, after: int, limit: int) -> list[Event]:
        """Return up to ``limit`` events with a sequence number above ``after``; events that retention took are skipped."""
        part = self.partitions[partition]
        part.age(self.clock.milliseconds())
        start = max(0, after + 1 - part.first)
        return part.events[start : start + limit]

    async def wait(self, partition: int, after: int | None = None) -> None:
        """Wait until an event arrives; at once when one newer than ``after`` is there already."""
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
        """Return the position of ``@latest``: the sequence number of the newest event, -1 when there never was one."""
        return self.partitions[partition].next - 1

    def after_offset(self, partition: int, offset: int, inclusive: bool = False) -> int:
        """Return the position for events whose offset is above (or at) ``offset``."""
        part = self.partitions[partition]
        index = (bisect_left if inclusive else bisect_right)(part.events, offset, key=lambda event: event.offset)
        return part.first + index - 1

    def after_time(self, partition: int, milliseconds: int, inclusive: bool = False) -> int:
        """Return the position for events enqueued later than (or at) that moment."""
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
