"""Reads of a hub's identity registry, within what one console may take of it.

Identities are free of quota and throttled: 100 operations a minute and unit, shared by everybody who uses the hub (docs/facts/iot-hub.md).
Every such read of a console goes by ``Identities``, whose budget is the one place that counts them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.diagnosis.liveness import connected_of
from services.errors import OperatorError
from services.hub.field_readers import mapping, moment, word
from services.records import Connection

CALLS, SECONDS = 12, 75.0
BUDGET_SPENT = "hub.identity-budget"
_ROWS = 5_000  # identities of one device, and devices of one list, that are looked at


class Budget:
    """Allows ``calls`` within any ``seconds``; safe to use from several threads."""

    def __init__(self, calls: int = CALLS, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._call_times: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Count one call; False where it has to wait."""
        with self._lock:
            now = self._clock()
            while self._call_times and self._call_times[0] <= now - self._seconds:
                self._call_times.popleft()
            if len(self._call_times) >= self._calls:
                return False
            self._call_times.append(now)
            return True

    @property
    def wait(self) -> float:
        """Seconds until the next call may be made."""
        with self._lock:
            full = len(self._call_times) >= self._calls
            return max(self._call_times[0] + self._seconds - self._clock(), 0.0) if full else 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply of the registry and its age in seconds: 0 where it was read just now."""

    json: Any
    age: float = 0.0


class Identities:
    """Reads by key, each at most as often as asked for and never beyond the budget: then what was read before is given again."""

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget or Budget(clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._replies: dict[str, tuple[float, Any]] = {}

    def read(self, key: str, call: Callable[[], Any], fresh: float = 0.0) -> Reading:
        """Return the reply of ``call``, or the last one for ``key`` while that is fresh or the budget is used up.

        ``fresh`` is in seconds. Raises OperatorError where there is no last one either, and what ``call`` raises.
        """
        with self._lock:
            at, reply = self._replies.get(key, (float("-inf"), None))
        age = self._clock() - at
        if age <= fresh:
            return Reading(reply, age)
        if not self.budget.take():
            if at == float("-inf"):
                raise OperatorError(
                    "The hub's identities were read too often just now.",
                    cause=f"A console reads them {CALLS} times in {SECONDS:.0f} s at most: a hub throttles them for everybody.",
                    remedy=f"Wait {max(self.budget.wait, 1):.0f} s, then try again.",
                    code=BUDGET_SPENT,
                )
            return Reading(reply, age)
        reply = call()
        with self._lock:
            self._replies[key] = (self._clock(), reply)
        return Reading(reply)


def connections_of(rows: Any) -> tuple[Connection, ...]:
    """Return the connections in a reply of ``GET /devices/{id}/modules``, or in rows of a query; what is no identity is left out."""
    return tuple(
        connection_of(fields)
        for fields in map(mapping, rows[:_ROWS] if isinstance(rows, list) else ())
        if word(fields.get("moduleId"))
    )


def connection_of(fields: Any) -> Connection:
    """Return the connection of one identity, a device's own with an empty module."""
    identity = mapping(fields)
    return Connection(
        word(identity.get("moduleId"), 128),
        connected_of(identity.get("connectionState")),
        moment(identity.get("connectionStateUpdatedTime")),
    )
