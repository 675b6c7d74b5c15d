"""The producer, and its account of what the hub acknowledged: each message with its partition and sequence number."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from tests.drill.lab_process import LabProcess

Place = tuple[int, int, int]  # life of the hub, partition, sequence number

# What comes from the world beside plain text; each names its message, as the plain ones do.
_BODIES = (
    "({n} ms) The image {name}.jpg was classified as tabby, tabby cat with confidence 0.8723.",
    '{{"id": "{name}", "x": [[[[[[[[',
    '{{"id": "{name}", "ms": NaN, "confidence": 1e999}}',
    "{name} \x1b]0;owned\x07\x1b[2J\u202e\x00\x9b31m",
    '=HYPERLINK("https://x.example/", "{name}")',
    "{name} " + "\U0001f63a" * 2000,
)
_SYSTEM = (
    {},
    {"content-type": "application/json", "content-encoding": "utf-16"},
    {"content-type": "application/json", "content-encoding": "gzip"},
    {"content-type": "\x1b[31mtext", "iothub-creation-time-utc": "not a time", "user-id": "\x9b"},
)


@dataclass
class Account:
    """The bodies that the hub acknowledged, by place. A message whose acknowledgement did not come is not in it."""

    acknowledged: dict[Place, bytes] = field(default_factory=dict)
    unacknowledged: int = 0


class Producer(threading.Thread):
    """Sends ``rate`` messages a second in small batches, each to one of ``partitions``."""

    def __init__(self, lab: LabProcess, rate: float, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.account = Account()
        self.partitions = [0, 1, 2]
        self._lab, self._rate, self._chance = lab, rate, chance
        self._number = 0
        self._ended = threading.Event()

    def end(self) -> None:
        """Send no more."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._ended.wait(0.25):
            if self._lab.running.is_set():
                self._send(max(1, min(499, round(self._rate / 4))))

    def _send(self, count: int) -> None:
        # Fewer than 500 at once, into one partition: the lab stores them without a pause, so that their numbers are consecutive.
        life, partition = self._lab.life, self._chance.choice(self.partitions)
        form, system = (
            (_BODIES[0], {}) if self._chance.random() < 0.7 else (self._chance.choice(_BODIES), self._chance.choice(_SYSTEM))
        )
        numbers = range(self._number, self._number + count)
        self._number += count
        bodies = [form.format(n=number % 90, name=f"drill-{life}-{number}") for number in numbers]
        try:
            reply = self._lab.call("messages", {"bodies": bodies, "system": system, "partition": partition})
        except OSError:
            self.account.unacknowledged += count
            return
        _, first = reply["first"]
        self.account.acknowledged.update({(life, partition, first + at): body.encode() for at, body in enumerate(bodies)})
