"""The journal's tables, and opening it: damaged ones are set aside, never deleted."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.errors import OperatorError
from services.files import FileError, private_file

APPLICATION_ID = 0x64626A31  # "dbj1"
VERSION = 2
QUICKLY_CHECKED = 1024**3  # bytes that are looked through for damage in a second or two

# namespace, entity, generation, partition, sequence, offset, enqueued, asked, begun, oldest
Part = tuple[str, str, int, str, "int | None", "str | None", "int | None", str, "int | None", "int | None"]

# A partition of one generation of a hub is a "part": a small number in each row instead of names. Its columns are those of
# `rows.Position`; they are written before anything is received. `start` is what was asked for before the hub was ever reached.
# `malformed` holds the rows of which the service's stamps cannot be used. `origin` holds what is the same for all messages of one
# sender. ms, confidence and label are drawn from the body when it is recorded so that filters and statistics need not parse; the
# body is the truth.
_SINCE_2 = """
CREATE TABLE IF NOT EXISTS start (
    namespace TEXT NOT NULL, entity TEXT NOT NULL, asked TEXT NOT NULL, PRIMARY KEY (namespace, entity)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS malformed (row INTEGER PRIMARY KEY);
"""
_SCHEMA = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS part (
    id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, entity TEXT NOT NULL, generation INTEGER NOT NULL, partition TEXT NOT NULL,
    sequence INTEGER, offset TEXT, enqueued INTEGER, asked TEXT NOT NULL DEFAULT '', begun INTEGER, oldest INTEGER,
    UNIQUE (namespace, entity, generation, partition));
CREATE TABLE IF NOT EXISTS origin (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, module TEXT NOT NULL, content_type TEXT NOT NULL,
    content_encoding TEXT NOT NULL, rest TEXT NOT NULL, UNIQUE (device, module, content_type, content_encoding, rest));
CREATE TABLE IF NOT EXISTS message (
    row INTEGER PRIMARY KEY, part INTEGER NOT NULL, sequence INTEGER NOT NULL, enqueued INTEGER NOT NULL, origin INTEGER NOT NULL,
    kind INTEGER NOT NULL, ms REAL, confidence REAL, label TEXT, offset TEXT, text TEXT, body BLOB NOT NULL, properties TEXT,
    system TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS message_identity ON message (part, sequence);
CREATE INDEX IF NOT EXISTS message_enqueued ON message (enqueued);
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY, part INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, noticed INTEGER NOT NULL,
    before_row INTEGER, UNIQUE (part, first));
CREATE TABLE IF NOT EXISTS mark (row INTEGER PRIMARY KEY, note TEXT NOT NULL, made INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notice (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
{_SINCE_2}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def open_for_writing(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Return the journal at ``path``, made where there is none, and where a damaged one was set aside (or None).

    Raises OperatorError where the disk is full or read-only, or the journal was written by a newer console.
    """
    aside = None
    try:
        connection = _open(path)
    except FileError as error:
        raise disk_error(path, sqlite3.OperationalError(f"unable to open database file: {error.cause}")) from error
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise disk_error(path, error) from error
        aside = set_aside(path)
        try:
            connection = _open(path)
        except sqlite3.Error as again:
            raise disk_error(path, again) from again
    return connection, aside


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot change the journal; OperatorError where there is none or it cannot be read."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=5)
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA mmap_size = {256 * 1024**2}")
        connection.execute("SELECT max(row) FROM message").fetchone()
    except sqlite3.Error as error:
        raise disk_error(path, error) from error
    return connection


def fetch(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return what a query gives, also where a text in the journal is no UTF-8."""
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return connection.execute(sql, values).fetchall()


def field_rule(connection: sqlite3.Connection) -> tuple[str, int]:
    """Return the rule for foreign JSON, and the row below which columns do not follow it yet; empty and 0 where there is none."""
    # A journal that only a console from before it has opened lacks the table.
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'field_rule'").fetchone():
        return "", 0
    row = connection.execute("SELECT fields, below FROM field_rule").fetchone()
    return (str(row[0]), int(row[1])) if row else ("", 0)


def _open(path: Path) -> sqlite3.Connection:
    log = path.with_name(path.name + "-wal")
    if (
        path.exists() and log.exists() and log.stat().st_size and not path.stat().st_size
    ):  # SQLite would begin anew, and say nothing
        raise sqlite3.DatabaseError("database disk image is malformed: emptied")
    connection = sqlite3.connect(
        private_file(path), isolation_level=None, check_same_thread=False, timeout=10, cached_statements=32
    )
    try:
        if (
            connection.execute("PRAGMA application_id").fetchone()[0] == 0
            and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        ):
            connection.executescript(_SCHEMA)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise sqlite3.DatabaseError("file is not a database of messages")
        if version > VERSION:
            raise OperatorError(
                f"The journal {path} was written by a newer dbe-console.",
                remedy="Use that one, or move the journal away.",
                code="journal.newer",
            )
        if version < VERSION:
            _migrate(connection)
        # No version of its own: a console from before it leaves the table alone.
        connection.execute(
            "CREATE TABLE IF NOT EXISTS field_rule (id INTEGER PRIMARY KEY, fields TEXT NOT NULL, below INTEGER NOT NULL)"
        )
        # SQLite opens a file that may only be read without a word, and would say so at the first message.
        connection.execute("DELETE FROM notice WHERE 0")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 2000")
        connection.execute(f"PRAGMA journal_size_limit = {64 * 1024**2}")
        # Touches every table's root and the ends of the big ones: finds a journal that was overwritten or cut short.
        connection.execute(
            "SELECT (SELECT max(row) FROM message), (SELECT min(row) FROM message), (SELECT count(*) FROM part)"
        ).fetchone()
        pages = connection.execute("PRAGMA page_count").fetchone()[0] * connection.execute("PRAGMA page_size").fetchone()[0]
        if path.stat().st_size < pages and not log.exists():
            raise sqlite3.DatabaseError("database disk image is malformed: shorter than it says")
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a journal of version 1 to this one, in one transaction.

    Version 1 did not keep where a partition began that had brought nothing yet: it is read from what the hub still has.
    """
    connection.execute("BEGIN IMMEDIATE")  # two consoles may come at once
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            for column in ("asked TEXT NOT NULL DEFAULT ''", "begun INTEGER", "oldest INTEGER"):
                connection.execute(f"ALTER TABLE part ADD COLUMN {column}")
            for statement in filter(str.strip, _SINCE_2.split(";")):
                connection.execute(statement)
            unknown = "typeof(sequence) != 'integer' AND generation = (SELECT max(generation) FROM part AS other WHERE"
            unknown += " (other.namespace, other.entity) = (part.namespace, part.entity))"
            partitions = [str(row[0]) for row in connection.execute(f"SELECT partition FROM part WHERE {unknown} ORDER BY id")]
            connection.execute("UPDATE part SET sequence = NULL, asked = 'beginning' WHERE typeof(sequence) != 'integer'")
            if partitions:
                connection.execute(
                    "INSERT INTO notice (at, kind, text) VALUES (CAST(strftime('%s', 'now') AS INTEGER) * 1000, 'start-unknown', ?)",
                    (
                        f"An earlier dbe-console did not keep where partition {', '.join(partitions)} began. It is read from the"
                        " oldest message that the hub has; whether older ones are missing cannot be known.",
                    ),
                )
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def sound(path: Path) -> bool:
    """Return whether no damage is to be found in the whole journal: a second for each GB, and more where the disk is slow."""
    try:
        connection = open_for_reading(path)
    except OperatorError as error:
        return error.code != "journal.damaged"
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:
        return not is_damage(error)
    finally:
        connection.close()


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at ``path`` from another one that takes its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is damaged, or what is in it was changed, rather than full, locked or read-only."""
    damage = r"malformed|not a database|file is encrypted|corrupt|unsupported file format|no such (table|column)|no column named"
    return bool(re.search(damage, str(error)))


def set_aside(path: Path) -> Path:
    """Move a damaged journal (and its WAL) to a name of its own; gives that name."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    for ending in ("", "-wal", "-shm"):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.rename(target.with_name(target.name + ending))
    return target


def disk_full(path: Path, raw: str = "") -> OperatorError:
    """Return the error for a journal that has no room."""
    return OperatorError(
        f"The disk that holds the journal {path} is full.",
        cause="Nothing more can be recorded; the hub keeps what arrives for as long as its retention says.",
        remedy="Make room there; recording goes on by itself.",
        code="journal.full",
        raw=raw,
    )


def disk_error(path: Path, error: sqlite3.Error) -> OperatorError:
    """Return what SQLite's error means for an operator."""
    text = str(error)
    if "full" in text:
        return disk_full(path, text)
    if "disk I/O" in text:  # all but a full disk, a used-up quota among them
        return OperatorError(
            f"The disk does not take the journal {path}.",
            cause="Your quota there is used up, or a limit on the size of files; or the disk is broken or gone.",
            remedy="Make room in the quota (quota -s, ulimit -f), mend the disk, or set DBE_CONSOLE_HOME to a folder on another.",
            code="journal.unwritable",
            raw=text,
        )
    if "readonly" in text or "unable to open" in text:
        return OperatorError(
            f"The journal {path} cannot be written or opened.",
            cause="The disk is read-only, gone, or gives you no rights there.",
            remedy="Mend the disk, or set DBE_CONSOLE_HOME to a folder on a local disk.",
            code="journal.unwritable",
            raw=text,
        )
    if "locked" in text:
        return OperatorError(
            f"The journal {path} is held by another process.",
            remedy="Wait, or end that process.",
            code="journal.locked",
            raw=text,
        )
    if is_damage(error):
        return OperatorError(
            f"The journal {path} is damaged.",
            cause="The disk, or a process that is not dbe-console, has changed it.",
            remedy="The recorder looks it through, sets it aside and begins a new one. Where this is said again, move the file away.",
            code="journal.damaged",
            raw=text,
        )
    return OperatorError(
        f"The journal {path} cannot be used.", cause=text, remedy="See the raw reply.", code="journal.failed", raw=text
    )
