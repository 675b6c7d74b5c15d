"""Messages a second, of streams of any speed: thousands, or one in ten minutes."""

from __future__ import annotations

from collections import deque

_SPAN = 4.0  # seconds: in a quick stream no older message counts
_LEAST = 3  # arrivals of a slow one, to take its pace from


class Pace:
    """How quickly a count grows that is looked at now and then."""

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=64)  # when the count was seen to grow, and to what

    def look(self, now: float, count: int) -> float:
        """Return the pace with the ``count`` of this moment; 0 once the stream has been silent for much longer than is usual for it."""
        arrivals = self._arrivals
        if not arrivals or count != arrivals[-1][1]:
            arrivals.append((now, count))
        while len(arrivals) > _LEAST and arrivals[0][0] < arrivals[-1][0] - _SPAN:
            arrivals.popleft()
        (first, before), (last, newest) = arrivals[0], arrivals[-1]
        usual = (last - first) / max(1, len(arrivals) - 1)
        if last == first or now - last > max(_SPAN, 3 * usual):
            return 0.0
        return (newest - before) / (last - first)
