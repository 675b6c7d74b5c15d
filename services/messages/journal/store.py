"""The journal: every message received, once, as raw bytes, in SQLite.

A message's identity is (namespace, entity, generation, partition, sequence number). A generation is one life of a hub: one made
again under the same name counts its sequence from the start, and its messages are kept apart from those of the first. ``row``
is the order of arrival and the handle for everything that reads.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.messages.journal import schema
from services.messages.journal.rows import Appended, Batch, Gap, OriginKey, RawMessage
from services.messages.start import LATEST_TIME

_COLUMNS = 13
_INSERT = (
    "INSERT OR IGNORE INTO message"
    " (part, sequence, enqueued, origin, kind, ms, confidence, label, offset, text, body, properties, system) VALUES "
)
_ROW_VALUES = "(" + ",".join("?" * _COLUMNS) + ")"
# Few sizes, so that the prepared statements are found again.
_STATEMENTS = [(rows, _INSERT + ",".join([_ROW_VALUES] * rows)) for rows in (400, 50, 8, 1)]


class Journal:
    """One endpoint's journal. Thread-safe; one process appends, others read and mark."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        """Open the journal at ``path``, made where there is none.

        ``damaged`` is where a damaged one was set aside, else None. Raises OperatorError.
        """
        self.path = path
        self.damaged: Path | None = None
        self._lock = threading.Lock()
        self._origins: dict[OriginKey, int] = {}
        if read_only:
            self._connection = schema.open_for_reading(path)
        else:
            self._connection, self.damaged = schema.open_for_writing(path)
        self._identity = schema.identity(path)
        if self.damaged is not None:
            self.notice("journal-damaged", f"The journal was damaged. It was set aside as {self.damaged}; this is a new one.")

    @property
    def in_place(self) -> bool:
        """Whether the file that is open still has its name: what is written to one that was removed is gone with its closing."""
        return schema.identity(self.path) == self._identity

    def close(self) -> None:
        """Close it; everything committed stays."""
        with self._lock:
            self._connection.close()

    # -- parts and positions

    def part(self, namespace: str, entity: str, generation: int, partition: str) -> int:
        """Return the part's number, made where it is new."""
        key = (namespace, entity, generation, partition)
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO part (namespace, entity, generation, partition) VALUES (?, ?, ?, ?)", key)
            row = connection.execute(
                "SELECT id FROM part WHERE namespace = ? AND entity = ? AND generation = ? AND partition = ?", key
            ).fetchone()
        return int(row[0])

    def parts(self) -> list[schema.Part]:
        """Return where it stands, for the journal that takes its place."""
        return self.rows(
            "SELECT namespace, entity, generation, partition, sequence, offset, enqueued, asked, sequence, oldest FROM part"
        )

    def adopt(self, parts: Sequence[schema.Part]) -> None:
        """Go on where another journal stood (``parts``)."""
        with self.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO part (namespace, entity, generation, partition, sequence, offset, enqueued, asked, begun, oldest)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                parts,
            )

    def lookup(self, part: int, sequence: int) -> tuple[int, str | None] | None:
        """Return the enqueued time (ms) and offset of a message, if the journal has it."""
        rows = self.rows("SELECT enqueued, offset FROM message WHERE part = ? AND sequence = ?", (part, sequence))
        return (rows[0][0], rows[0][1]) if rows else None

    # -- writing

    def append(self, batches: Sequence[Batch]) -> Appended:
        """Commit ``batches`` in one transaction: rows, positions and gaps together, or nothing.

        Many rows go into one statement: sqlite3 gives up Python's lock for each statement, and getting it back beside a busy
        receiver costs more than the insert. Raises OperatorError where the disk does not take it.
        """
        done = Appended()
        with self.writing() as connection:
            for batch in batches:
                if not batch.messages:
                    continue
                self._learn(connection, batch.messages)
                before = connection.total_changes
                first_row = (connection.execute("SELECT max(row) FROM message").fetchone()[0] or 0) + 1
                self._insert(connection, batch)
                committed = connection.total_changes - before
                done.committed += committed
                done.doubled += len(batch.messages) - committed
                self._mark_malformed(connection, batch)
                for first, last in batch.gaps:
                    note_gap(connection, batch.part, first, last, first_row)
                newest = self._advance(connection, batch)
                if newest is not None:
                    done.newest_enqueued = max(done.newest_enqueued, newest.enqueued)
        return done

    def _advance(self, connection: sqlite3.Connection, batch: Batch) -> RawMessage | None:
        """Move the part's position to the newest message of the batch that has a number; return that one."""
        numbered = [message for message in batch.messages if message.sequence >= 0]
        if not numbered:
            return None
        newest, before_first = max(numbered, key=_sequence), min(numbered, key=_sequence).sequence - 1
        connection.execute(
            "UPDATE part SET begun = CASE WHEN sequence IS NULL THEN min(coalesce(begun, ?), ?) ELSE begun END,"
            " sequence = ?, offset = ?, enqueued = ?, oldest = NULL WHERE id = ? AND (sequence IS NULL OR sequence < ?)",
            (before_first, before_first, newest.sequence, newest.offset, newest.enqueued, batch.part, newest.sequence),
        )
        return newest

    def _mark_malformed(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """Note which rows are those of malformed messages; once, however often these come."""
        connection.executemany(
            "INSERT OR IGNORE INTO malformed SELECT row FROM message WHERE part = ? AND sequence = ?",
            [(batch.part, message.sequence) for message in batch.messages if message.malformed],
        )

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        part, messages = batch.part, batch.messages
        origins = self._origins
        start = 0
        for rows, statement in _STATEMENTS:
            while len(messages) - start >= rows:
                values: list[object] = []
                for sequence, enqueued, origin, *rest in messages[start : start + rows]:
                    values += (part, sequence, enqueued, origins[origin], *rest)
                connection.execute(statement, values)
                start += rows

    def _learn(self, connection: sqlite3.Connection, messages: Sequence[RawMessage]) -> None:
        """Give each new origin its number."""
        keys = {message.origin for message in messages}
        if keys <= self._origins.keys():
            return
        if len(self._origins) > 20_000:  # a sender that varies its content type for every message must not fill the memory
            self._origins.clear()
        for key in keys - self._origins.keys():
            connection.execute(
                "INSERT OR IGNORE INTO origin (device, module, content_type, content_encoding, rest) VALUES (?, ?, ?, ?, ?)", key
            )
            row = connection.execute(
                "SELECT id FROM origin WHERE device = ? AND module = ? AND content_type = ?"
                " AND content_encoding = ? AND rest = ?",
                key,
            ).fetchone()
            self._origins[key] = int(row[0])

    def notice(self, kind: str, text: str) -> None:
        """Note something an operator must be able to find later: a damaged journal, a hub made again."""
        with self.writing() as connection:
            connection.execute("INSERT INTO notice (at, kind, text) VALUES (?, ?, ?)", (_now(), kind, text))

    def mark(self, row: int, note: str = "") -> None:
        """Mark a message; marking again changes the note."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO mark (row, note, made) VALUES (?, ?, ?)", (row, note, _now()))

    def unmark(self, row: int) -> None:
        """Take the mark from a message."""
        with self.writing() as connection:
            connection.execute("DELETE FROM mark WHERE row = ?", (row,))

    # -- reading

    def gaps(self) -> list[Gap]:
        """Return all gaps, oldest first."""
        return [
            Gap(*row)
            for row in self.rows(
                "SELECT part.partition, part.generation, gap.first, gap.last, gap.noticed, gap.before_row FROM gap JOIN part ON"
                " part.id = gap.part ORDER BY gap.id"
            )
        ]

    def malformed(self) -> int:
        """Return how many messages the journal has of which the service's stamps cannot be used."""
        return int(self.rows("SELECT count(*) FROM malformed")[0][0])

    def forgotten(self, oldest: Mapping[str, int], since: int) -> tuple[int, int]:
        """Return how many messages from ``since`` (ms since 1970) on the hub no longer keeps, and the newest one's enqueued time.

        These are the ones before ``oldest``, the first sequence number that the hub keeps of their partition.
        """
        count, newest = 0, 0
        for partition, sequence in oldest.items():
            rows = self.rows(
                "SELECT count(*), max(enqueued) FROM message WHERE sequence BETWEEN 0 AND ? - 1 AND enqueued BETWEEN ? AND ?"
                " AND part = (SELECT id FROM part WHERE partition = ? ORDER BY generation DESC, id DESC LIMIT 1)",
                (sequence, since, LATEST_TIME, partition),
            )[0]
            count, newest = count + rows[0], max(newest, rows[1] or 0)
        return count, newest

    def notices(self) -> list[tuple[int, str, str]]:
        """Return notices as (ms since 1970, kind, text), oldest first."""
        return [(row[0], row[1], row[2]) for row in self.rows("SELECT at, kind, text FROM notice ORDER BY id")]

    def marks(self) -> dict[int, str]:
        """Return marked rows with their notes, oldest first."""
        return {row[0]: row[1] for row in self.rows("SELECT row, note FROM mark ORDER BY row")}

    def bounds(self) -> tuple[int, int]:
        """Return the oldest and the newest row; (0, 0) where there is none."""
        first, last = self.rows("SELECT (SELECT min(row) FROM message), (SELECT max(row) FROM message)")[0]
        return (first or 0, last or 0)

    def size(self) -> int:
        """Return the bytes on disk, the write-ahead log included."""
        log = self.path.with_name(self.path.name + "-wal")
        return self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)

    # -- plumbing

    def give_back(self, pages: int) -> int:
        """Give the disk up to ``pages`` that are free; gives how many were."""
        with self._lock:
            free = int(self._connection.execute("PRAGMA freelist_count").fetchone()[0])
            if free:
                # Each step gives back one page, and execute() makes one step only.
                self._connection.executescript(f"PRAGMA incremental_vacuum({min(free, pages)})")
            if 0 < free <= pages:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return free

    def writing(self) -> _Transaction:
        """Begin a write transaction; its errors are OperatorErrors."""
        return _Transaction(self._connection, self._lock, self.path)

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query gives. Raises OperatorError."""
        with self._lock:
            try:
                return schema.fetch(self._connection, statement, values)
            except sqlite3.Error as error:
                raise schema.disk_error(self.path, error) from error


class _Transaction:
    """One write transaction under the journal's lock; SQLite's errors become OperatorErrors."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, path: Path) -> None:
        self._connection, self._lock, self._path = connection, lock, path

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise schema.disk_error(self._path, error) from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
                return
        except sqlite3.Error as failed:
            error = failed
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise schema.disk_error(self._path, error) from error


def note_gap(connection: sqlite3.Connection, part: int, first: int, last: int, before_row: int) -> None:
    """Note the numbers from ``first`` to ``last`` as missing, without those that the journal has."""
    present = connection.execute(
        "SELECT sequence FROM message WHERE part = ? AND sequence BETWEEN ? AND ? ORDER BY sequence", (part, first, last)
    )
    spans, expected = [], first
    for (sequence,) in present:
        if sequence > expected:
            spans.append((expected, sequence - 1))
        expected = sequence + 1
    if expected <= last:
        spans.append((expected, last))
    connection.executemany(
        "INSERT INTO gap (part, first, last, noticed, before_row) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (part, first) DO UPDATE SET last = max(last, excluded.last)",
        [(part, *span, _now(), before_row) for span in spans],
    )


def _sequence(message: RawMessage) -> int:
    return message.sequence


def _now() -> int:
    return int(time.time() * 1000)
