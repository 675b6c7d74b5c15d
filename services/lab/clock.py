"""The lab's clock: real time plus a skew that a fault may set."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone


class Clock:
    """Seconds since the epoch as the hub sees them; ``skew`` seconds ahead of this machine."""

    def __init__(self) -> None:
        self.skew = 0.0

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + self.skew

    def milliseconds(self) -> int:
        """Return the milliseconds since the epoch."""
        return int(self.now() * 1000)

    def utc(self) -> datetime:
        """Return the moment as an aware datetime."""
        return datetime.fromtimestamp(self.now(), timezone.utc)

    def text(self, ahead: float = 0) -> str:
        """Return the moment as Azure writes it, seven digits of a second: ``2024-05-01T10:11:12.1234567Z``."""
        return (self.utc() + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
