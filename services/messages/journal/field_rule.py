"""The rule for foreign JSON that a journal's columns follow, and bringing them to another one.

Filters and statistics read columns that are drawn from the bodies, so that a rule that changes has to go through what is there:
newest rows first, a portion at a time, each with how far it came in one transaction. A recorder that is killed goes on there.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.messages.journal import schema
from services.messages.journal.store import Journal
from services.messages.parsing.field_rule import FieldRule
from services.messages.parsing.parse import derive, is_foreign
from services.text import counted

_PORTION = 1_000  # rows
_PATIENCE = 15.0  # seconds
_ANEW = -1  # in the place of a row: the recorder has not taken the rule yet


def request_rule(path: Path, text: str) -> None:
    """Ask for another rule; the recorder, which alone writes messages, takes it up. Nothing is written where it is the same."""
    connection = schema.open_for_reading(path)
    try:
        if schema.field_rule(connection)[0] == text:
            return
    finally:
        connection.close()
    journal = Journal(path)
    try:
        with journal.writing() as writer:
            writer.execute("INSERT OR REPLACE INTO field_rule (id, fields, below) VALUES (1, ?, ?)", (text, _ANEW))
    finally:
        journal.close()


def wait_for_rule(path: Path, progress: Callable[[str], None], patience: float = _PATIENCE) -> None:
    """Wait until all columns follow the rule, for who reads the journal once; ``progress`` is told where that takes long.

    A recorder that gets no further for ``patience`` seconds, as one of an earlier version, is not waited for.
    """
    start = time.monotonic()
    next_word, before, since = start + 1.0, 0, start
    while count := _rows_to_do(path):
        now = time.monotonic()
        before, since = (before, since) if count == before else (count, now)
        if now - since > patience:
            progress("The recorder does not take up the context's fields: older messages are read without them.")
            return
        if now > next_word:
            progress(f"The context's fields are looked for in {counted(count, 'older message')} first.")
            next_word += 10.0
        time.sleep(0.05)


def _rows_to_do(path: Path) -> int:
    connection = schema.open_for_reading(path)
    try:
        below = schema.field_rule(connection)[1]
        first, last = connection.execute("SELECT min(row), max(row) FROM message").fetchone()
    finally:
        connection.close()
    if not last or not below:
        return 0
    return int((last + 1 if below == _ANEW else below) - first)


def take_rule(journal: Journal) -> tuple[str, int]:
    """Return the rule, and the row below which columns do not follow it yet; for the thread that commits, before it does."""
    rows = journal.rows("SELECT fields, below FROM field_rule")
    text, below = rows[0] if rows else ("", 0)
    if below == _ANEW:
        with journal.writing() as connection:
            below = connection.execute("SELECT coalesce(max(row), 0) + 1 FROM message").fetchone()[0]
            connection.execute("UPDATE field_rule SET below = ? WHERE fields = ?", (below, text))
    return str(text), int(below)


def follow_rule(journal: Journal, text: str, below: int, seconds: float = 0.2) -> int:
    """Draw the columns of rows below ``below`` anew, for about ``seconds``; return the row below which more are to do, 0 at the end."""
    until = time.monotonic() + seconds
    rule = FieldRule.stored(text)
    while below > 0:
        oldest = journal.bounds()[0]
        first = max(oldest, below - _PORTION)
        with journal.writing() as connection:
            _draw_anew(connection, rule, first, below)
            below = first if first > oldest else 0
            connection.execute("UPDATE field_rule SET below = ? WHERE fields = ?", (below, text))
        if time.monotonic() > until:
            break
    return below


def _draw_anew(connection: sqlite3.Connection, rule: FieldRule | None, first: int, below: int) -> None:
    rows = connection.execute(
        "SELECT message.row, kind, ms, confidence, label, body, content_type, content_encoding FROM message"
        " JOIN origin ON origin.id = message.origin WHERE message.row >= ? AND message.row < ?",
        (first, below),
    ).fetchall()
    changes: list[tuple[Any, ...]] = []
    for row, kind, milliseconds, confidence, label, body, content_type, content_encoding in rows:
        if not isinstance(body, bytes) or not is_foreign(kind, body):
            continue
        derived = derive(body, content_type, content_encoding, *([rule.meaning] if rule else []))
        columns = (derived.kind, derived.milliseconds, derived.confidence, derived.label)
        if columns != (kind, milliseconds, confidence, label):
            changes.append((*columns, row))
    connection.executemany("UPDATE message SET kind = ?, ms = ?, confidence = ?, label = ? WHERE row = ?", changes)
