"""The file of the history: its schema, and what older consoles wrote into it masked anew by the rule of today.

``user_version`` 0 is a file of an older console, 1 one whose rows are masked or being masked while its free pages may hold old text,
2 one that holds nothing else. Every step is a transaction of its own, so that a console that is killed leaves a file that the next one
goes on with, and two at once do the work once; rows of an older console that still runs are masked by the next one that opens it.
"""

from __future__ import annotations

import json
import sqlite3

from services.deployment.manifest.masking import masked, masked_text

_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, user TEXT NOT NULL, origin TEXT NOT NULL, context TEXT NOT NULL,
    host TEXT NOT NULL, device TEXT NOT NULL, route TEXT NOT NULL, summary TEXT NOT NULL, before TEXT NOT NULL, after TEXT
    NOT NULL,
    before_version INTEGER, outcome TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', after_version INTEGER, ended TEXT,
    process INTEGER NOT NULL DEFAULT 0, masked INTEGER NOT NULL DEFAULT 0)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS unmasked ON history (id) WHERE masked = 0"
_MASKED_ROWS, _CLEAN_PAGES = 1, 2
_BATCH = 20


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the table where there is none, and mask what was written by an older rule. Raises sqlite3.Error.

    ``database`` has no transaction open. A disk that is too full to write the file anew is no reason to refuse the history: the text
    is overwritten already (secure_delete), and the next opening tries again.
    """
    database.execute("PRAGMA secure_delete = ON")
    if _version(database) == 0:
        _upgrade_schema(database)
    while _mask_batch(database):
        pass
    if _version(database) == _MASKED_ROWS:
        try:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:  # full, or another console is at it
            return
        database.execute(f"PRAGMA user_version = {_CLEAN_PAGES}")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _upgrade_schema(database: sqlite3.Connection) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        if _version(database):
            return
        database.execute(_SCHEMA)
        columns = {row[1] for row in database.execute("PRAGMA table_info(history)")}
        if "masked" not in columns:
            database.execute("ALTER TABLE history ADD COLUMN masked INTEGER NOT NULL DEFAULT 0")
        database.execute(_INDEX)
        rows = database.execute("SELECT EXISTS (SELECT 1 FROM history)").fetchone()[0]
        database.execute(f"PRAGMA user_version = {_MASKED_ROWS if rows else _CLEAN_PAGES}")


def _mask_batch(database: sqlite3.Connection) -> bool:
    """Mask some rows that are not; whether there were any."""
    if not database.execute("SELECT EXISTS (SELECT 1 FROM history WHERE masked = 0)").fetchone()[0]:
        return False
    with database:
        database.execute("BEGIN IMMEDIATE")
        rows = database.execute(
            "SELECT id, summary, detail, before, after FROM history WHERE masked = 0 ORDER BY id LIMIT ?", (_BATCH,)
        ).fetchall()
        for number, summary, detail, before, after in rows:
            database.execute(
                "UPDATE history SET summary = ?, detail = ?, before = ?, after = ?, masked = 1 WHERE id = ?",
                (masked_text(str(summary)), masked_text(str(detail)), _masked_json(before), _masked_json(after), number),
            )
        database.execute(f"PRAGMA user_version = {_MASKED_ROWS}")
    return bool(rows)


def _masked_json(text: str) -> str:
    """Return a manifest as it was kept, masked; one that cannot be read is not kept."""
    try:
        content = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return "{}"
    return json.dumps(masked(content)) if isinstance(content, dict) else "{}"
