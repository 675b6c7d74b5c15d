"""Messages a second, of streams of any speed, by when the hub enqueued them: what waited there and comes all at once is no rate."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

_BUCKET = 250  # ms
_SPAN = 60_000  # ms: in a quick stream no older message counts
_LEAST = 3  # buckets of a slow one, to take its pace from
_SILENT = 10_000  # ms of silence that are usual in no quick stream


class Pace:
    """How many messages a second are sent; one thread counts them, another looks."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._lock = threading.Lock()

    def count(self, times: Iterable[int]) -> None:
        """Count messages by their enqueued times, in ms since 1970."""
        counts = Counter([time // _BUCKET for time in times])
        with self._lock:
            self._counts.update(counts)

    def look(self, now: float) -> float:
        """Return the pace, by the hub's clock (ms since 1970); 0 once the stream has been silent for longer than is usual for it."""
        with self._lock:
            # What is yet to come by the hub's own clock was stamped by nobody's.
            buckets = sorted(bucket for bucket in self._counts if bucket * _BUCKET <= now + _SPAN)
            recent = [bucket for bucket in buckets if bucket * _BUCKET > now - _SPAN]
            buckets = recent if len(recent) >= _LEAST else buckets[-_LEAST:]
            self._counts = Counter({bucket: self._counts[bucket] for bucket in buckets})
            counts = list(self._counts.values())
        if len(buckets) < 2:
            return 0.0
        count, span = sum(counts[1:]), (buckets[-1] - buckets[0]) * _BUCKET
        if now - buckets[-1] * _BUCKET > max(_SILENT, 3 * span / count):
            return 0.0
        return count * 1000 / span
