"""What calls cost, and how often they may come."""

from __future__ import annotations

from collections import deque
from math import ceil

from services.lab.clock import Clock
from services.lab.cloud.hub.errors import HubError

# The tier's daily messages a unit and the size that counts as one (docs/facts/iot-hub.md).
TIERS = {"F1": (8_000, 512), "S1": (400_000, 4096), "S2": (6_000_000, 4096), "B1": (400_000, 4096)}


class Quota:
    """Metered messages of the UTC day."""

    def __init__(self, clock: Clock, tier: str, units: int) -> None:
        self.clock = clock
        self.tier = tier
        self.units = units
        self.day = ""
        self.spent = 0

    @property
    def daily(self) -> int:
        """Messages a day."""
        return TIERS[self.tier][0] * self.units

    def spend(self, size: int) -> None:
        """Count one call or message of ``size`` bytes; HubError 403002 when the day's are used up."""
        day = self.clock.utc().strftime("%Y-%m-%d")
        if day != self.day:
            self.day, self.spent = day, 0
        if self.spent >= self.daily:
            raise self.exceeded("")
        self.spent += max(1, ceil(size / TIERS[self.tier][1]))

    def exceeded(self, hub: str) -> HubError:
        """Return the refusal in the hub's words."""
        return HubError(
            403002,
            f"Total number of messages on IotHub '{hub}' exceeded the allocated quota. "
            f"Max allowed message count : '{self.daily}', current message count : '{max(self.spent, self.daily)}'. "
            "Send and Receive operations are blocked for this hub until the next UTC day.",
        )


class Throttle:
    """At most ``count`` calls in ``seconds``."""

    def __init__(self, clock: Clock, count: int, seconds: float) -> None:
        self.clock = clock
        self.count = count
        self.seconds = seconds
        self.calls: deque[float] = deque()

    def call(self) -> None:
        """Count a call; HubError 429001 when there were too many.

        A hub queues what comes above the limit for a while before it refuses; the lab refuses at once.
        """
        now = self.clock.now()
        while self.calls and self.calls[0] < now - self.seconds:
            self.calls.popleft()
        if len(self.calls) >= self.count:
            raise HubError(429001, "Device Container has reached max throttling limits. Operation was throttled; retry later.")
        self.calls.append(now)
