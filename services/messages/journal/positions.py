"""Where each partition stands, kept in the journal before anything is received from there.

A recorder that is ended or killed at any moment is followed by one that goes on where it stood: at the newest message that was
committed, else where the partition began, else at the start that was asked for. What the hub no longer has of that is a gap.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any

from services.messages.journal.rows import Position
from services.messages.journal.store import Journal, note_gap
from services.messages.start import Start

_COLUMNS = (
    "partition, id, generation, sequence, offset, enqueued, asked, begun, oldest,"
    " (SELECT max(message.sequence) FROM message WHERE message.part = part.id AND typeof(message.sequence) = 'integer')"
)


class Positions:
    """The positions of one endpoint's partitions. Its methods raise OperatorError where the disk does not take them."""

    def __init__(self, journal: Journal, namespace: str, entity: str) -> None:
        self._journal = journal
        self._endpoint = (namespace, entity)

    def newest_generation(self) -> dict[str, Position]:
        """Return the position of each partition of the newest generation."""
        rows = self._journal.rows(
            f"SELECT {_COLUMNS} FROM part WHERE namespace = ? AND entity = ?"
            " AND generation = (SELECT max(generation) FROM part WHERE namespace = ? AND entity = ?)",
            (*self._endpoint, *self._endpoint),
        )
        return {str(row[0]): _position(*row[1:]) for row in rows}

    def ask(self, start: Start) -> Start:
        """Keep the start that is asked for until partitions are known; return it joined with what was asked for before."""
        with self._journal.writing() as connection:
            stored = connection.execute("SELECT asked FROM start WHERE namespace = ? AND entity = ?", self._endpoint).fetchone()
            before = Start.stored(stored[0]) if stored else None
            combined = start if before is None else before.joined(start)
            if before is None or combined != before:
                connection.execute("INSERT OR REPLACE INTO start VALUES (?, ?, ?)", (*self._endpoint, combined.to_text()))
        return combined

    def add(self, generation: int, partitions: Collection[str], start: Start) -> None:
        """Add partitions with the start that is asked for, all or none; of a hub that was made anew from its first message on."""
        with self._journal.writing() as connection:
            self._add(connection, generation, partitions, start)

    def begin_generation(self, notice: str) -> None:
        """Begin with the partitions of another hub of the same name, from its first message on.

        Where each partition of the one before ends there is a gap of unknown size.
        """
        previous = self.newest_generation()
        generation = max((position.generation for position in previous.values()), default=0)
        now = int(time.time() * 1000)
        with self._journal.writing() as connection:
            row = connection.execute("SELECT coalesce(max(row), 0) + 1 FROM message").fetchone()[0]
            connection.executemany(
                "INSERT OR IGNORE INTO gap (part, first, last, noticed, before_row) VALUES (?, ?, ?, ?, ?)",
                [
                    (position.part, last + 1, last, now, row)
                    for position in previous.values()
                    if (last := position.sequence) is not None
                ],
            )
            connection.execute("INSERT INTO notice (at, kind, text) VALUES (?, 'hub-remade', ?)", (now, notice))
            self._add(connection, generation + 1, previous, Start("beginning"))

    def _add(self, connection: sqlite3.Connection, generation: int, partitions: Collection[str], start: Start) -> None:
        before_first = -1 if generation else None  # a hub that was made anew counts from 0
        connection.executemany(
            "INSERT OR IGNORE INTO part (namespace, entity, generation, partition, asked, sequence, begun)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*self._endpoint, generation, partition, start.to_text(), before_first, before_first) for partition in partitions],
        )
        connection.execute("DELETE FROM start WHERE namespace = ? AND entity = ?", self._endpoint)

    def wait_for_first(self, part: int, start: Start, oldest: int) -> None:
        """Keep that the part begins at ``start``, which only its first message tells; ``oldest`` is what the hub has now."""
        with self._journal.writing() as connection:
            connection.execute(
                "UPDATE part SET asked = ?, sequence = NULL, offset = NULL, enqueued = NULL, oldest = coalesce(oldest, ?)"
                " WHERE id = ?",
                (start.to_text(), oldest, part),
            )

    def begin(self, part: int, start: Start, sequence: int, offset: str = "", enqueued: int = 0) -> None:
        """Keep that the part begins behind the message ``sequence``, of which offset and enqueued time may be known."""
        with self._journal.writing() as connection:
            connection.execute(
                "UPDATE part SET asked = ?, sequence = ?, offset = ?, enqueued = ?, begun = min(coalesce(begun, ?), ?),"
                " oldest = NULL WHERE id = ?",
                (start.to_text(), sequence, offset, enqueued, sequence, sequence, part),
            )

    def skip(self, part: int, first: int, last: int) -> None:
        """Go on behind messages that the hub no longer has; of these the journal's own are no gap."""
        with self._journal.writing() as connection:
            row = connection.execute("SELECT coalesce(max(row), 0) + 1 FROM message").fetchone()[0]
            note_gap(connection, part, first, last, row)
            connection.execute(
                "UPDATE part SET sequence = ?, offset = NULL, enqueued = NULL WHERE id = ? AND sequence < ?", (last, part, last)
            )


def lies_behind(start: Start, last: int, properties: dict[str, Any]) -> bool:
    """Return whether the start lies behind all that the partition has by now, and so at its end."""
    if start.kind == "latest" or last < 0:
        return True
    if start.kind == "time":
        return 0 < milliseconds(properties.get("last_enqueued_time_utc")) < int(start.value)
    offset = str(properties.get("last_enqueued_offset") or "")
    return start.kind == "offset" and offset.isdecimal() and int(start.value) > int(offset)


def lies_before(start: Start, position: Position) -> bool:
    """Return whether the start that was asked for lies before the journal's position."""
    if start.kind == "beginning":
        return True
    if start.kind == "time":
        return int(start.value) < position.enqueued
    if start.kind == "offset" and str(start.value).isdigit() and position.offset.isdigit():
        return int(start.value) < int(position.offset)
    return False


def milliseconds(moment: datetime | None) -> int:
    """Return a moment in ms since 1970; 0 for none, and for what the service gives for none."""
    return 0 if moment is None or moment.year < 1970 else int(moment.timestamp() * 1000)


def _position(
    part: int, generation: int, sequence: object, offset: object, enqueued: object, asked: str, begun: object, oldest: object,
    newest: object,
) -> Position:  # fmt: skip
    """Return a row of ``part`` as a position; what is no number in it, as an earlier version may have left it, is unknown."""
    start = Start.stored(asked)
    if not isinstance(sequence, int) and start is None:
        start = Start("beginning")
    return Position(
        part,
        generation,
        _number(sequence),
        "" if offset is None else str(offset),
        _number(enqueued) or 0,
        start,
        _number(begun),
        _number(oldest),
        newest if isinstance(newest, int) and newest >= 0 else None,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
