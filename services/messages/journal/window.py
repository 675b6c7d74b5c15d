"""Windows over the journal: the few messages that are on screen, of however many millions, at constant memory.

A ``Window`` has a connection of its own, reads only, and is used by one thread at a time; ``cancel`` may be called from any.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.errors import OperatorError
from services.messages.filters import SEARCHED, Filter
from services.messages.journal import schema
from services.messages.journal.location import Place
from services.messages.parsing import parse
from services.records import InferenceMessage

_EVERYTHING = Filter()
_SOURCE = (
    "message CROSS JOIN part ON part.id = message.part CROSS JOIN origin ON origin.id = message.origin"
    " LEFT JOIN mark ON mark.row = message.row"
)
_CHUNK = 20_000
_BLOCK = 128  # messages whose bodies a regular expression looks through as one


class Cancelled(Exception):
    """The query was cancelled."""


@dataclass(frozen=True, slots=True)
class Found:
    """A portion of a search, newest first: its matches in that order.

    ``reached`` is the oldest row looked at, ``done`` whether all were.
    """

    messages: tuple[InferenceMessage, ...]
    reached: int
    looked_at: int
    done: bool


class Window:
    """Reads a journal by rows. Lists are in the order of arrival, oldest first.

    Raises OperatorError where the journal is not readable.
    """

    def __init__(self, path: Path, limit: int | None = None) -> None:
        """Open a window; of each body it gives ``limit`` characters or bytes of a hex dump, and ``body_left`` is the rest."""
        self._path = path
        self._limit = limit
        self._identity = schema.identity(path)
        self._connection = schema.open_for_reading(path)
        self._connection.execute("PRAGMA case_sensitive_like = OFF")
        self._registered: Filter | None = None
        self._cancelled = threading.Event()

    @property
    def in_place(self) -> bool:
        """Whether this is still the journal of that name: a damaged one is set aside, and its rows are not those of the next."""
        return schema.identity(self._path) == self._identity

    @property
    def follows_rule(self) -> bool:
        """Whether all columns follow the context's rule for foreign JSON; not while the recorder draws them anew."""
        return schema.field_rule(self._connection)[1] == 0

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def cancel(self) -> None:
        """End the query that runs, which then raises ``Cancelled``; from any thread."""
        self._cancelled.set()
        with contextlib.suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
            self._connection.interrupt()

    def bounds(self) -> tuple[int, int]:
        """Return the oldest and the newest row; (0, 0) where there is none."""
        first, last = self._rows("SELECT (SELECT min(row) FROM message), (SELECT max(row) FROM message)", ())[0]
        return (first or 0, last or 0)

    def newest(self, limit: int, where: Filter = _EVERYTHING, looking_at: int | None = None) -> list[InferenceMessage]:
        """Return the newest ``limit`` messages that pass, among the newest ``looking_at`` rows (all where None)."""
        return self.before(None, limit, where, looking_at)

    def before(
        self, row: int | None, limit: int, where: Filter = _EVERYTHING, looking_at: int | None = None
    ) -> list[InferenceMessage]:
        """Return the last ``limit`` messages before ``row`` that pass."""
        upper = self.bounds()[1] + 1 if row is None else row
        lower = 0 if looking_at is None else upper - looking_at
        return self._select(where, lower, upper, "DESC", limit)[::-1]

    def after(self, row: int, limit: int, where: Filter = _EVERYTHING) -> list[InferenceMessage]:
        """Return the first ``limit`` messages after ``row`` that pass."""
        return self._select(where, row + 1, self.bounds()[1] + 1, "ASC", limit)

    def around(self, row: int, before: int, after: int, where: Filter = _EVERYTHING) -> list[InferenceMessage]:
        """Return a match in its context: ``before`` messages, the one at ``row`` whether it passes or not, ``after`` messages."""
        return [*self.before(row, before, where), *filter(None, [self.message(row)]), *self.after(row, after, where)]

    def message(self, row: int, limit: int | None = None) -> InferenceMessage | None:
        """Return one message, with ``limit`` of its body where the window gives less; None where the journal no longer has it."""
        matches = self._parsed("message.row = ?", (row,), "ASC", 1, limit or self._limit)
        return self._with_gaps(matches, row)[0] if matches else None

    def raw(self, row: int, limit: int = 4_096) -> str:
        """Return the first ``limit`` bytes of a message's body as a hex dump; empty where the journal no longer has it."""
        rows = self._rows("SELECT substr(body, 1, ?), length(body) FROM message WHERE row = ?", (limit, row))
        if not rows:
            return ""
        beginning, size = rows[0]
        return parse.hex_dump(beginning) + (f"\n… {size - limit:,} bytes more" if size > limit else "")

    def body(self, row: int) -> bytes:
        """Return the whole body of a message. Raises OperatorError where the journal no longer has it."""
        rows = self._rows("SELECT body FROM message WHERE row = ?", (row,))
        if not rows:
            raise OperatorError(
                "The journal no longer has this message.",
                remedy="Keep more: the context's limits say how much.",
                code="journal.left",
            )
        return bytes(rows[0][0])

    def row_at(self, milliseconds: int, where: Filter = _EVERYTHING) -> int | None:
        """Return the row of the first message that passes and was enqueued then (ms since 1970) or later; None where there is none."""
        condition, values = self._condition(where)
        self._cancelled.clear()
        sql = f"SELECT row FROM message INDEXED BY message_enqueued WHERE enqueued >= ? AND {condition} ORDER BY enqueued, row LIMIT 1"
        rows = self._rows(sql, (milliseconds, *values))
        return int(rows[0][0]) if rows else None

    def count(self, where: Filter = _EVERYTHING, after: int = 0, until: int | None = None) -> int:
        """Return how many messages pass, after row ``after`` and up to row ``until``; without a filter an upper bound, at once."""
        first, last = self.bounds()
        until = last if until is None else min(until, last)
        after = max(after, first - 1)
        if where.empty:
            return max(0, until - after)
        condition, values = self._condition(where)
        sql = f"SELECT count(*) FROM message WHERE row > ? AND row <= ? AND {condition}"
        return int(self._rows(sql, (after, until, *values))[0][0])

    def search(self, where: Filter, before: int | None = None, limit: int = 1_000, chunk: int = _CHUNK) -> Iterator[Found]:
        """Look through the whole journal, newest first, a portion at a time, until ``limit`` messages passed.

        Stop iterating to end it; ``cancel`` ends it in the middle of a portion.
        """
        first, last = self.bounds()
        upper = last + 1 if before is None else before
        looked_at = match_count = 0
        while True:
            lower = max(first, upper - chunk)
            matches = self._select(where, lower, upper, "DESC", limit - match_count)
            match_count += len(matches)
            full = match_count >= limit
            lowest_row = matches[-1].row if full and matches else lower
            looked_at += upper - lowest_row
            done = full or lower <= first
            yield Found(tuple(matches), lowest_row, looked_at, done)
            if done:
                return
            upper = lower

    def rows(self, where: Filter = _EVERYTHING, chunk: int = 2_000) -> Iterator[InferenceMessage]:
        """Yield every message that passes, oldest first, at constant memory."""
        first, last = self.bounds()
        last_reported = first
        for lower in range(first, last + 1, chunk):
            matches = self._passing(where, lower, lower + chunk, "ASC", chunk)
            if matches:
                yield from self._with_gaps(matches, last_reported)
                last_reported = matches[-1].row + 1

    # -- plumbing

    def _select(self, where: Filter, lower: int, upper: int, order: str, limit: int) -> list[InferenceMessage]:
        """Return what passes of the rows from ``lower`` up to, without, ``upper``, the first ``limit`` in that order; with gaps."""
        matches = self._passing(where, lower, upper, order, limit)
        return self._with_gaps(matches, lower if order == "ASC" else matches[-1].row) if matches else matches

    def _passing(self, where: Filter, lower: int, upper: int, order: str, limit: int) -> list[InferenceMessage]:
        condition, own = self._condition(where)
        self._cancelled.clear()
        matches: list[InferenceMessage] = []
        for low, high in self._spans(where, lower, upper, order):
            span = f"message.row >= ? AND message.row < ? AND {condition}"
            matches += self._parsed(span, (low, high, *own), order, limit - len(matches), self._limit)
            if len(matches) >= limit:
                break
        return matches

    def _with_gaps(self, messages: list[InferenceMessage], lower: int) -> list[InferenceMessage]:
        """Return the rows, the first found from row ``lower`` on with what the hub no longer had before it."""
        gaps = self._rows(
            "SELECT before_row, total(last - first + 1), max(last < first) FROM gap WHERE before_row BETWEEN ? AND ?"
            " GROUP BY before_row",
            (lower, max(messages[0].row, messages[-1].row)),
        )
        missing: dict[int, tuple[int, bool]] = {}
        for row, count, remade in gaps:
            follows = min(message.row for message in messages if message.row >= row)
            before = missing.get(follows, (0, False))
            missing[follows] = before[0] + int(count), before[1] or bool(remade)
        if not missing:
            return messages
        none = (0, False)
        return [
            replace(m, missing=(gap := missing.get(m.row, none))[0], hub_remade=gap[1]) if m.row in missing else m
            for m in messages
        ]

    def _parsed(
        self, condition: str, values: tuple[Any, ...], order: str, count: int, limit: int | None
    ) -> list[InferenceMessage]:
        read = parse.to_read(limit)
        sql = f"SELECT {parse.COLUMNS} FROM {_SOURCE} WHERE {condition} ORDER BY message.row {order} LIMIT ?"
        return [parse.parse(row, limit) for row in self._rows(sql, (read, read, *values, count))]

    def _spans(self, where: Filter, lower: int, upper: int, order: str) -> Iterator[tuple[int, int]]:
        """Yield the rows between these two, without those of which no message can pass.

        To call a regular expression for each message takes ten times as long as to look through a block of them joined.
        """
        loose = where.loose
        if not loose:
            yield lower, upper
            return
        first, last = self.bounds()
        lower, upper = max(lower, first), min(upper, last + 1)
        condition, own = where.where_without_expressions()
        ranges = (
            f"SELECT CAST(group_concat({SEARCHED}, char(10)) AS BLOB) FROM message WHERE row >= ? AND row < ? AND {condition}"
        )
        starts = range(lower, upper, _BLOCK)
        for low in reversed(starts) if order == "DESC" else starts:
            if self._cancelled.is_set():  # an interrupt between two queries would be lost
                raise Cancelled
            high = min(low + _BLOCK, upper)
            bodies = self._rows(ranges, (low, high, *own))[0][0]
            if bodies is not None and all(expression.search(bodies) for expression in loose):
                yield low, high

    def _condition(self, where: Filter) -> tuple[str, list[object]]:
        if where is not self._registered:
            self._registered = where
            expressions = where.expressions
            if expressions:

                def matches(number: int, line: bytes) -> bool:
                    return expressions[number].search(line) is not None

                self._connection.create_function("matches", 2, matches, deterministic=True)
        return where.where()

    def _rows(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return schema.fetch(self._connection, sql, values)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise Cancelled from None
            raise self._failed(error) from error
        except sqlite3.DatabaseError as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> OperatorError:
        """Report a failure and return what to say of it; the recorder, which writes elsewhere in the journal, is told of damage as well."""
        if schema.is_damage(error):
            with contextlib.suppress(OSError):
                Place(self._path).suspicion.touch(0o600)
        return schema.disk_error(self._path, error)


__all__ = ["Cancelled", "Found", "OperatorError", "Window"]
