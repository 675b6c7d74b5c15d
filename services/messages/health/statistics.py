"""The model's health at a glance: rates, latencies, classes, errors, senders, over a window and against the window before it.

Counts come from the columns that the recorder drew from the bodies; no body is read. Times are ms since 1970, by when the hub
enqueued.
"""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from math import inf
from pathlib import Path

from services.messages.health import tally
from services.messages.journal import schema
from services.messages.parsing.parse import KINDS
from services.messages.start import LATEST_TIME
from services.text import one_line

WINDOWS = {"5m": 300, "1h": 3600, "1d": 86_400, "7d": 7 * 86_400}  # lengths that are offered, in seconds
_TOP = 12
_LISTED = 25_000  # classes that are told apart; the biggest common model knows 21,841
_PORTION = 10_000  # rows read at once
_BEHIND = 200_000  # new rows; of more, the newest are read first
_ENOUGH, _MANY = 20, 100  # messages on each side before a change is pointed out, and before a smaller one is


@dataclass(frozen=True, slots=True)
class Sender:
    """What one device or module sent."""

    device: str
    module: str
    count: int
    errors: int
    mean_ms: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One bar of a plot: from ``at`` on, messages, errors, mean latency, and its percentiles (by 50, 95 and 99)."""

    at: int
    count: int
    errors: int
    mean_ms: float | None
    percentiles: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one window holds. ``percentiles`` are of the latency in ms, by 50, 95 and 99.

    ``share`` of errors is among all messages.
    """

    since: int
    until: int
    count: int = 0
    results: int = 0
    errors: int = 0
    percentiles: dict[int, float] = field(default_factory=dict)
    classes: tuple[tuple[str, int], ...] = ()  # most frequent first
    class_count: int = 0  # different ones, of those that are told apart
    kinds: dict[str, int] = field(default_factory=dict)
    mean_confidence: float | None = None
    senders: tuple[Sender, ...] = ()
    unlisted: int = 0  # messages of further classes than are told apart
    timed: int = 0  # messages that tell their latency

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.count / max(0.001, (self.until - self.since) / 1000)

    @property
    def error_share(self) -> float:
        """0..1."""
        return self.errors / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs from the window before: ``what`` is latency, errors, classes, rate or confidence."""

    what: str
    text: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Health:
    """A window, the one of the same length before it, what changed, and the points of its plots.

    ``counted`` is the share of the rows that are counted so far, newest first; changes are told once it is 1.
    """

    now: Counts
    before: Counts
    changes: tuple[Change, ...]
    points: tuple[Point, ...]
    counted: float = 1.0


class HealthReader:
    """The health of one journal, or of one device or module of it, read again and again while the window slides.

    Each row is read once: rows go into slices as long as a bar of the plot, and a window is put together from those. A look
    takes a bounded time, newest rows first, and the next one goes on where it ended. What retention deletes stays counted until
    it slides out. Used by one thread at a time.
    """

    def __init__(self, journal: Path | str, device: str = "", module: str = "", listed: int = _LISTED) -> None:
        """Count at most ``listed`` classes apart."""
        self.device = device
        self._path = Path(journal)
        self._where, self._values = _senders_only(device, module)
        self._listed = listed
        self._key: tuple[object, ...] = ()
        self._width = 1
        self._begin = 0
        self._reset(0, 0)

    def _reset(self, floor: int, last: int) -> None:
        self._slices: dict[int, tally.Slice] = {}
        self._names = tally.Names(self._listed)
        self._senders: dict[tuple[str, str], int] = {}
        self._sender_of = array("l", [0])  # by origin
        # Rows from _low to _high are counted; those from _floor on are to be.
        self._floor, self._low, self._high = floor, last + 1, last

    def look(self, since: int, until: int, points: int = 60, seconds: float = 0.3) -> Health:
        """Return the health from ``since`` to ``until``, as far as it is counted after about ``seconds``. Raises OperatorError.

        A window has ``points`` bars of whole ms, so that it may begin a little before ``since``.
        """
        width = max(1, -(-(until - since) // points))
        since = until - width * points
        begin = since - width * points
        connection = schema.open_for_reading(self._path)
        try:
            self._forget(connection, width, until % width, begin)
            self._read(connection, time.monotonic() + seconds)
        except sqlite3.Error as error:
            raise schema.disk_error(self._path, error) from error
        finally:
            connection.close()
        bars = [self._slices.get(number) for number in range(points * 2)]
        to_do, all_rows = self._low - self._floor, self._high + 1 - self._floor
        now, before = self._counts(bars[points:], since, until), self._counts(bars[:points], begin, since)
        plotted = tuple(_point(since + number * width, bar) for number, bar in enumerate(bars[points:]))
        if to_do > 0:
            return Health(now, before, (), plotted, 1 - to_do / all_rows)
        return Health(now, before, tuple(changes(now, before)), plotted)

    def _forget(self, connection: sqlite3.Connection, width: int, phase: int, begin: int) -> None:
        """Forget what slid out of the window; everything, where it is another window or journal, or far behind."""
        first, last = connection.execute("SELECT (SELECT min(row) FROM message), (SELECT max(row) FROM message)").fetchone()
        first, last = first or 1, last or 0
        rule, below = schema.field_rule(connection)
        key = (width, phase, self._path.stat().st_ino, rule, below == 0)  # another rule for foreign JSON draws other columns
        if key != self._key or begin < self._begin or last < self._high or last - self._high > _BEHIND:
            oldest = connection.execute("SELECT enqueued < ? FROM message WHERE row = ?", (begin, first)).fetchone()
            if oldest and oldest[0]:
                first = connection.execute("SELECT min(row) FROM message WHERE enqueued >= ?", (begin,)).fetchone()[0]
            self._reset(last + 1 if first is None else first, last)
        elif begin > self._begin:
            slices = (begin - self._begin) // width
            self._slices = {number - slices: part for number, part in self._slices.items() if number >= slices}
            self._names.keep(self._slices.values())
        self._key, self._width, self._begin = key, width, begin

    def _read(self, connection: sqlite3.Connection, until: float) -> None:
        last = connection.execute("SELECT max(row) FROM message").fetchone()[0] or 0
        while self._high < last:
            upper = min(self._high + _PORTION, last)
            self._count(connection, self._high + 1, upper)
            self._high = upper
        while self._low > self._floor:
            lower = max(self._floor, self._low - _PORTION)
            self._count(connection, lower, self._low - 1)
            self._low = lower
            if time.monotonic() > until:
                return

    def _count(self, connection: sqlite3.Connection, first: int, last: int) -> None:
        """Count the rows from ``first`` to ``last``. Slices are numbered from the window's begin; some may lie after its end."""
        width = self._width
        rows: list[tally.Row] = schema.fetch(
            connection,
            # Values of another type, as an older console may have written them, are none.
            "SELECT (enqueued - ?) / ?, origin, kind, CASE WHEN ms BETWEEN -1e300 AND 1e300 THEN ms END,"
            " CASE WHEN confidence BETWEEN -1e300 AND 1e300 THEN confidence END,"
            " CASE WHEN typeof(label) = 'text' THEN label END FROM message"
            f" WHERE row >= ? AND row <= ? AND enqueued BETWEEN ? AND ? AND kind BETWEEN 0 AND ?{self._where}",
            (self._begin, width, first, last, self._begin, LATEST_TIME, len(KINDS) - 1, *self._values),
        )
        self._learn(connection)
        parts: dict[int, list[tally.Row]] = defaultdict(list)
        for row in rows:
            parts[row[0]].append(row)
        for number, own in parts.items():
            self._slices.setdefault(number, tally.Slice()).add(own, self._names, self._sender_of.__getitem__)

    def _learn(self, connection: sqlite3.Connection) -> None:
        """Read the senders of origins that are new."""
        count = len(self._sender_of)
        for origin, device, module in schema.fetch(
            connection, "SELECT id, device, module FROM origin WHERE id >= ? ORDER BY id", (count,)
        ):
            self._sender_of.extend([0] * (origin - len(self._sender_of) + 1))
            self._sender_of[origin] = self._senders.setdefault((device, module), len(self._senders))

    def _counts(self, bars: Sequence[tally.Slice | None], since: int, until: int) -> Counts:
        parts = [bar for bar in bars if bar is not None]
        kinds = {kind: sum(part.kinds[number] for part in parts) for number, kind in enumerate(KINDS)}
        by_label = tally.labels(parts)
        # By number of messages alone first: sorting names is for the few that can be among the first.
        least = min(nlargest(_TOP, by_label.values()), default=0)
        often = [(self._names.name(number), count) for number, count in by_label.items() if count >= least]
        classes = nsmallest(_TOP, often, key=lambda each: (-each[1], each[0]))
        confident = sum(part.confident for part in parts)
        names = list(self._senders)
        all_senders = ((*names[number], *own) for number, own in tally.senders(parts).items())
        senders = nsmallest(_TOP, all_senders, key=lambda each: (-each[2], each[0], each[1]))
        return Counts(
            since=since,
            until=until,
            count=sum(kinds.values()),
            results=kinds["result"],
            errors=sum(kinds[KINDS[kind]] for kind in tally.ERRORS),
            percentiles=tally.percentiles(parts),
            classes=tuple((one_line(label, 80), count) for label, count in classes),
            class_count=len(by_label),
            unlisted=sum(part.unlisted for part in parts),
            timed=sum(len(run) for part in parts for run in part.runs),
            kinds={kind: count for kind, count in kinds.items() if count},
            mean_confidence=sum(part.confidence for part in parts) / confident if confident else None,
            senders=tuple(
                Sender(one_line(device, 128), one_line(module, 128), count, errors, total / timed if timed else None)
                for device, module, count, errors, total, timed in senders
            ),
        )


def health(
    journal: Path | str, since: int, until: int, points: int = 60, device: str = "", module: str = "", listed: int = _LISTED
) -> Health:
    """Return the whole health between ``since`` and ``until``, in all or of one device or module: one ``HealthReader.look``."""
    return HealthReader(journal, device, module, listed).look(since, until, points, inf)


def latest(seconds: int, ahead: float = 0.0, newest: int = 0, points: int = 60) -> tuple[int, int]:
    """Return the window of the last ``seconds`` by the hub's clock, of which this machine's is ``ahead`` seconds.

    It ends with the bar that has begun, and so slides by whole bars: its last one still grows. The ``newest`` message (ms since
    1970) is in it, whatever the clocks say.
    """
    width = seconds * 1000 // points
    until = (max(int((time.time() - ahead) * 1000), newest) // width + 1) * width
    return until - width * points, until


def _senders_only(device: str, module: str) -> tuple[str, list[str]]:
    own = {name: value for name, value in (("device", device), ("module", module)) if value}
    if not own:
        return "", []
    return f" AND origin IN (SELECT id FROM origin WHERE {' AND '.join(f'{name} = ?' for name in own)})", list(own.values())


def _point(at: int, bar: tally.Slice | None) -> Point:
    if bar is None:
        return Point(at, 0, 0, None)
    timed = sum(map(len, bar.runs))
    mean = bar.milliseconds / timed if timed else None
    return Point(at, bar.count, bar.errors, mean, tally.percentiles([bar]))


def changes(now: Counts, before: Counts) -> list[Change]:
    """Return what is worth pointing out; nothing while either side holds too few messages to tell."""
    differences: list[Change] = []
    if before.count >= _ENOUGH and now.count == 0:
        return [Change("rate", "No message has come; there were " + f"{before.rate:.2g} a second before.", True)]
    if now.count < _ENOUGH or before.count < _ENOUGH:
        return differences
    differences += _latency_changes(now, before)
    if _differ(now.error_share, before.error_share, now.count, before.count, 0.02):
        text = f"The share of errors went from {before.error_share:.0%} to {now.error_share:.0%}."
        differences.append(Change("errors", text, now.error_share > before.error_share))
    if now.rate > before.rate * 2 or now.rate < before.rate / 2:
        text = f"The rate went from {before.rate:.2g} to {now.rate:.2g} messages a second."
        differences.append(Change("rate", text, now.rate < before.rate))
    differences += _class_changes(now, before)
    if now.mean_confidence is not None and before.mean_confidence is not None:
        difference = now.mean_confidence - before.mean_confidence
        # What varies between 0 and 1 varies at most as a share does, and confidences about half as much.
        if _differ(now.mean_confidence, before.mean_confidence, now.results, before.results, 0.1, errors=1.5):
            text = f"Mean confidence went from {before.mean_confidence:.2f} to {now.mean_confidence:.2f}."
            differences.append(Change("confidence", text, difference < 0))
    return differences


def _differ(one: float, other: float, count: int, other_count: int, least: float, errors: float = 3.0) -> bool:
    """Return whether two shares differ by more than ``least``, and by so many standard ``errors``: chance alone seldom makes that."""
    if not count or not other_count:
        return False
    share = (one * count + other * other_count) / (count + other_count)
    error: float = max(0.0, share * (1 - share) * (1 / count + 1 / other_count)) ** 0.5
    return abs(one - other) > max(least, errors * error)


def _latency_changes(now: Counts, before: Counts) -> list[Change]:
    """Return where half of the latencies, or the slow ones, differ by half or more: by more, and half only, where there are few."""
    few = min(now.timed, before.timed)
    if few < _ENOUGH:
        return []
    factor, percents = (1.5, (50, 95)) if few >= _MANY else (2.0, (50,))
    pairs = [(percent, before.percentiles[percent], now.percentiles[percent]) for percent in percents]
    pairs = [(percent, old, new) for percent, old, new in pairs if max(old, new) > min(old, new) * factor and abs(new - old) >= 1]
    if not pairs:
        return []
    text = ", ".join(f"p{percent} from {old:,.0f} to {new:,.0f} ms" for percent, old, new in pairs)
    return [Change("latency", f"Latency: {text}.", any(new > old for _, old, new in pairs))]


def _class_changes(now: Counts, before: Counts) -> list[Change]:
    """Return the classes whose shares among the results grew and shrank most, where it is by more than a fifth."""
    if now.results < _ENOUGH or before.results < _ENOUGH:
        return []
    new, old = dict(now.classes), dict(before.classes)
    shares = {label: (old.get(label, 0) / before.results, new.get(label, 0) / now.results) for label in sorted({*new, *old})}
    ranking = sorted(shares.items(), key=lambda item: item[1][0] - item[1][1])  # what grew most comes first
    notable = [
        f"{label} from {was:.0%} to {is_now:.0%}"
        for label, (was, is_now) in {**dict(ranking[:1]), **dict(ranking[-1:])}.items()
        if _differ(is_now, was, now.results, before.results, 0.2)
    ]
    return [Change("classes", f"Share of the results: {', '.join(notable)}.", True)] if notable else []
