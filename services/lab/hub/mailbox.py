"""Cloud-to-device messages of one device: they wait for it, and leave when it has acknowledged them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.lab.clock import Clock
from services.lab.hub.errors import HubError

# The hub's own limits: messages that wait for a device, and the seconds that one waits by default.
DEPTH = 50
_LIFETIME = 3600.0


@dataclass(frozen=True, eq=False)
class CloudMessage:
    """One message; ``system`` as AMQP names the properties (message_id…). ``expires`` in seconds since the epoch."""

    body: bytes
    application: Mapping[str, Any]
    system: Mapping[str, Any]
    expires: float


Receiver = Callable[[CloudMessage], None]


class Mailbox:
    """The queue of a device. A receiver gets what waits and what comes; ``done`` takes a message out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[CloudMessage] = []
        self.receivers: list[Receiver] = []

    def __len__(self) -> int:
        now = self._clock.now()
        self._waiting = [message for message in self._waiting if message.expires > now]
        return len(self._waiting)

    def put(self, body: bytes, application: Mapping[str, Any], system: Mapping[str, Any]) -> None:
        """Queue a message; HubError 403004 when 50 wait already."""
        if len(self) >= DEPTH:
            raise HubError(403004, f"Total number of messages in the queue of the device exceeded the maximum of {DEPTH}.")
        message = CloudMessage(body, application, system, self._clock.now() + _LIFETIME)
        self._waiting.append(message)
        for receiver in list(self.receivers):
            receiver(message)

    def listen(self, receiver: Receiver) -> Callable[[], None]:
        """Give ``receiver`` what waits, at once, and what comes; returns how to stop that."""
        self.receivers.append(receiver)
        if len(self):
            for message in list(self._waiting):
                receiver(message)
        return lambda: self.receivers.remove(receiver) if receiver in self.receivers else None

    def done(self, message: CloudMessage) -> None:
        """The device has it."""
        if message in self._waiting:
            self._waiting.remove(message)
