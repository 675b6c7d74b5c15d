"""How late messages come, and how far this machine's clock is from the hub's: as far as the messages themselves tell."""

from __future__ import annotations

import time
from math import inf

TOLERATED = 5.0  # seconds
_JUST_NOW = 3.0
# Goes on while the machine sleeps, where the system has such a clock: a message that came meanwhile proves nothing else.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class HubClock:
    """Learns from questions and messages of one partition.

    A message that was not there when the hub was asked was enqueued between the question and now. So its enqueued time, which is
    the hub's, is a moment between two of ours, whatever the lag; the narrowest such span counts. How late a message is needs no
    clock to be right: it is what it took longer than the quickest one did.
    """

    def __init__(self) -> None:
        self._last_request = -inf
        self._least, self._most = -inf, inf
        self.heard_at = -inf
        self._newest = 0
        self._took, self._quickest = 0.0, inf

    def answered(self, asked: float) -> None:
        """Take what the hub says its newest message is, having been asked at ``asked`` (``elapsed``).

        What was learnt before is forgotten, for clocks may jump.
        """
        self._last_request = asked
        self._least, self._most = -inf, inf

    def caught_up(self) -> None:
        """Note that the hub has no more: whatever the clocks say, nothing is late."""
        self._quickest = self._took

    def came(self, first: int, last: int, unknown: bool) -> None:
        """Take messages enqueued from ``first`` to ``last`` (ms since 1970); ``unknown`` to the hub when it was asked."""
        self.heard_at = elapsed()
        self._took = self.heard_at - last / 1000
        if last < self._newest - TOLERATED * 1000:  # it counts its time upwards, or was set back
            self._quickest = inf
        self._newest = last
        self._quickest = min(self._quickest, self._took)
        if not unknown:
            return
        now = time.time()
        least, most = now - (self.heard_at - self._last_request) - first / 1000, now - last / 1000
        jumped = least > self._most or most < self._least
        self._least = least if jumped else max(self._least, least)
        self._most = most if jumped else min(self._most, most)

    @property
    def delay(self) -> float:
        """Seconds that the newest message was late, where it came just now."""
        return self._took - self._quickest if elapsed() - self.heard_at < _JUST_NOW else 0.0

    @property
    def ahead(self) -> float:
        """Seconds that this machine's clock is certainly ahead of the hub's; negative where it is behind. 0 within 5 s."""
        if self._most < -TOLERATED:
            return self._most
        return self._least if self._least > TOLERATED else 0.0


def elapsed() -> float:
    """Return the seconds on a clock that nobody sets."""
    return time.clock_gettime(_ELAPSED)
