"""Queues whose messages a receiver locks, then completes, abandons or rejects: a device's cloud-to-device messages, and feedback.

Life cycle, lock of one minute, ten abandons and the five ways to an end: docs/facts/lab-answers.md (cloud-to-device messages).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub.errors import HubError

# The hub's own limits: messages that wait for a device, the seconds that one waits by default, and those of a lock.
DEPTH = 50
LIFETIME = 3600.0
_LOCK = 60.0
_ABANDONS = 10

# How a message ends, as feedback names it.
SUCCESS, EXPIRED, ABANDONED, REJECTED, PURGED = "Success", "Expired", "DeliveryCountExceeded", "Rejected", "Purged"


@dataclass(eq=False)
class CloudMessage:
    """One message; ``system`` as AMQP names the properties (message_id…). ``expires`` in seconds since the epoch.

    ``lock`` is the token of the receiver that has it, empty while it waits.
    """

    body: bytes
    application: Mapping[str, Any]
    system: Mapping[str, Any]
    expires: float
    enqueued: float = 0.0
    number: int = 0
    deliveries: int = 0
    lock: str = ""
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def set_lock(self, token: str, timer: asyncio.TimerHandle | None) -> None:
        """Note a lock, or with an empty token that it is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self.lock, self._timer = token, timer


Receiver = Callable[[CloudMessage], None]
Ended = Callable[[CloudMessage, str], None]


class Mailbox:
    """A queue. ``on_end`` is called with every message that leaves it and how it ended."""

    def __init__(self, clock: Clock, on_end: Ended = lambda message, status: None) -> None:
        self._clock = clock
        self.on_end = on_end
        self._waiting: list[CloudMessage] = []
        self._watchers: list[Callable[[], None]] = []
        self._count = 0

    def __len__(self) -> int:
        self._expire()
        return len(self._waiting)

    def put(self, body: bytes, application: Mapping[str, Any], system: Mapping[str, Any], expires: float | None = None) -> None:
        """Queue a message; HubError 403004 when 50 wait already. One that has expired ends at once."""
        if len(self) >= DEPTH:
            raise HubError(403004, f"Total number of messages in the queue of the device exceeded the maximum of {DEPTH}.")
        now = self._clock.now()
        self._count += 1
        message = CloudMessage(body, application, system, now + LIFETIME if expires is None else expires, now, self._count)
        self._waiting.append(message)
        asyncio.get_running_loop().call_later(max(0.0, message.expires - now) + 0.01, self._expire)
        self._stir()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever a message may be locked; returns how to stop that."""
        self._watchers.append(callback)
        callback()
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    def listen(self, receiver: Receiver) -> Callable[[], None]:
        """Lock for ``receiver`` what waits, at once, and what comes; the returned call ends that and gives its locks back."""
        locks: dict[str, CloudMessage] = {}

        def take() -> None:
            for token in [token for token, message in locks.items() if message.lock != token]:
                del locks[token]
            while (message := self.lock()) is not None:
                locks[message.lock] = message
                receiver(message)

        stop = self.watch(take)

        def end() -> None:
            stop()
            for token, message in locks.items():
                if message.lock == token:
                    self.release(message)

        return end

    def lock(self) -> CloudMessage | None:
        """Lock the oldest message that nobody has for a minute and return it; None where there is none."""
        self._expire()
        for message in self._waiting:
            if not message.lock:
                timer = asyncio.get_running_loop().call_later(_LOCK, self.release, message)
                message.set_lock(str(uuid.uuid4()), timer)
                return message
        return None

    def by_lock(self, token: str) -> CloudMessage:
        """Return the message under a lock; HubError 412002 when the lock is lost."""
        self._expire()
        for message in self._waiting:
            if token and message.lock == token:
                return message
        raise HubError(412002)

    def done(self, message: CloudMessage) -> None:
        """Complete: the receiver has it."""
        self._end(message, SUCCESS)

    def reject(self, message: CloudMessage) -> None:
        """Take a message out unread."""
        self._end(message, REJECTED)

    def abandon(self, message: CloudMessage) -> None:
        """Put a message back; the tenth time it ends."""
        if message not in self._waiting:
            return
        message.deliveries += 1
        if message.deliveries >= _ABANDONS:
            self._end(message, ABANDONED)
        else:
            self.release(message)

    def release(self, message: CloudMessage) -> None:
        """Give a lock back that ran out, or whose receiver has gone: that is no abandon."""
        if message in self._waiting and message.lock:
            message.set_lock("", None)
            self._stir()

    def purge(self) -> int:
        """Take out every message; how many there were."""
        messages = list(self._waiting)
        for message in messages:
            self._end(message, PURGED)
        return len(messages)

    def _stir(self) -> None:
        for watcher in list(self._watchers):
            watcher()

    def _end(self, message: CloudMessage, status: str) -> None:
        if message in self._waiting:
            self._waiting.remove(message)
            message.set_lock("", None)
            self.on_end(message, status)

    def _expire(self) -> None:
        now = self._clock.now()
        for message in [message for message in self._waiting if message.expires <= now]:
            self._end(message, EXPIRED)
