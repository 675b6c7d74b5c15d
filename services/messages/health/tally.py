"""What a slice of time held, counted once and added to as rows come: the parts from which a window's health is put together.

Memory stays bounded: 8 bytes for each latency, a number for each class that a slice holds, and only so many classes told apart.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import fsum

from services.messages.parsing.parse import KINDS
from services.records import ERROR_KINDS

PERCENTILES = (50, 95, 99)
ERRORS = frozenset(number for number, kind in enumerate(KINDS) if kind in ERROR_KINDS)
_RUNS = 16

# Slice number, origin, kind, ms, confidence, label: a row of the journal as it is counted.
Row = tuple[int, int, int, "float | None", "float | None", "str | None"]


class Names:
    """Numbers for the names of classes, of which no more than ``limit`` are told apart."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 0

    def number(self, name: str) -> int | None:
        """Return the name's number; None for a further one."""
        existing = self._numbers.get(name)
        if existing is None and len(self._numbers) < self._limit:
            existing = self._numbers[name] = self._next
            self._names[existing] = name
            self._next += 1
        return existing

    def name(self, number: int) -> str:
        """Return the number's name."""
        return self._names[number]

    def keep(self, slices: Iterable[Slice]) -> None:
        """Forget the names that no slice holds any more, where there is no room."""
        if len(self._numbers) < self._limit:
            return
        used: set[int] = set().union(*(part.labels for part in slices))
        self._names = {number: self._names[number] for number in used}
        self._numbers = {name: number for number, name in self._names.items()}


class Slice:
    """The counts of one slice of time.

    ``runs`` are its latencies in ms, each run sorted. ``labels`` counts by ``Names``' numbers, ``unlisted`` the rest. ``senders``
    holds count, errors, ms in all, and how many had a time, by the sender's number.
    """

    __slots__ = ("confidence", "confident", "kinds", "labels", "milliseconds", "runs", "senders", "unlisted")

    def __init__(self) -> None:
        self.kinds = [0] * len(KINDS)
        self.milliseconds = 0.0
        self.confidence = 0.0
        self.confident = 0
        self.runs: list[array[float]] = []
        self.labels: dict[int, int] = {}
        self.unlisted = 0
        self.senders: dict[int, tuple[int, int, float, int]] = {}

    @property
    def count(self) -> int:
        """Messages."""
        return sum(self.kinds)

    @property
    def errors(self) -> int:
        """Those that are errors."""
        return sum(self.kinds[kind] for kind in ERRORS)

    def add(self, rows: Sequence[Row], names: Names, sender: Callable[[int], int]) -> None:
        """Count ``rows``; ``sender`` gives the number of an origin's device and module."""
        _, origins, kinds, times, confidences, labels = zip(*rows, strict=True)
        for kind, count in Counter(kinds).items():
            self.kinds[kind] += count
        confidence_values = [confidence for confidence in confidences if confidence is not None]
        self.confidence += fsum(confidence_values)
        self.confident += len(confidence_values)
        run = array("d", sorted(time for time in times if time is not None))
        if run:
            self.milliseconds += fsum(run)
            self.runs.append(run)
            if len(self.runs) > _RUNS:
                self.runs = [array("d", sorted(chain.from_iterable(self.runs)))]
        for label, count in Counter(labels).items():
            if label is None:
                continue
            number = names.number(label)
            if number is None:
                self.unlisted += count
            else:
                self.labels[number] = self.labels.get(number, 0) + count
        self._add_senders(origins, kinds, times, sender)

    def _add_senders(
        self, origins: Sequence[int], kinds: Sequence[int], times: Sequence[float | None], sender: Callable[[int], int]
    ) -> None:
        measured: dict[int, list[float]] = defaultdict(list)
        for origin, time in zip(origins, times, strict=True):
            if time is not None:
                measured[origin].append(time)
        totals: dict[int, tuple[int, int, float, int]] = {}
        for (origin, kind), count in Counter(zip(origins, kinds, strict=True)).items():
            totals[origin] = _sum(totals.get(origin), (count, count if kind in ERRORS else 0, 0.0, 0))
        for origin, each in totals.items():
            own = measured.get(origin, [])
            number = sender(origin)
            self.senders[number] = _sum(self.senders.get(number), (each[0], each[1], fsum(own), len(own)))


def senders(slices: Iterable[Slice]) -> dict[int, tuple[int, int, float, int]]:
    """Return the senders of ``slices`` together."""
    totals: dict[int, tuple[int, int, float, int]] = {}
    for part in slices:
        for number, own in part.senders.items():
            totals[number] = _sum(totals.get(number), own)
    return totals


def labels(slices: Iterable[Slice]) -> dict[int, int]:
    """Return the classes of ``slices`` together, by their numbers."""
    totals: dict[int, int] = {}
    for part in slices:
        for number, count in part.labels.items():
            totals[number] = totals.get(number, 0) + count
    return totals


def percentiles(slices: Iterable[Slice]) -> dict[int, float]:
    """Return the latencies by rank, exact; empty where nothing was timed.

    The sorted runs are not merged: the value is searched by halving, and each run says how many of its own lie below.
    """
    runs = [run for part in slices for run in part.runs]
    measured = sum(map(len, runs))
    return {percent: _ranked(runs, max(1, -(-measured * percent // 100))) for percent in PERCENTILES} if measured else {}


def _ranked(runs: Sequence[array[float]], rank: int) -> float:
    if len(runs) == 1:
        return runs[0][rank - 1]
    low, high = _ordinal(min(run[0] for run in runs)), _ordinal(max(run[-1] for run in runs))
    while low < high:
        middle = (low + high) // 2
        value = _value(middle)
        if sum(bisect_right(run, value) for run in runs) >= rank:
            high = middle
        else:
            low = middle + 1
    return _value(low)


def _ordinal(value: float) -> int:
    """Return a number for each double, in their order: that of its bits, as IEEE 754 laid them out for this."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _value(ordinal: int) -> float:
    magnitude: float = struct.unpack("<d", struct.pack("<q", abs(ordinal)))[0]
    return magnitude if ordinal >= 0 else -magnitude


def _sum(one: tuple[int, int, float, int] | None, other: tuple[int, int, float, int]) -> tuple[int, int, float, int]:
    return other if one is None else (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])
