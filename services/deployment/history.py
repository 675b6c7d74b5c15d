"""Keep the history of deployments, which is the audit trail: who, from where, when, by which route, before and after, outcome.

An entry is written as ``pending`` and synced to disk before anything is sent. A console that is killed in the middle leaves it
pending; the next one finds it (``pending``) and tells by the device's own state how it went (services.deployment.interrupted).

Manifests and texts are masked here, by the one rule, before they are written; what an older console wrote by an older rule is
masked anew (services.deployment.history_file).
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from services.contexts.paths import state_folder
from services.deployment.history_file import bring_up_to_date
from services.deployment.manifest.masking import masked, masked_text
from services.errors import OperatorError
from services.files import FileError, private_file, private_folder
from services.records import HistoryEntry, HistoryRoute, Outcome
from services.text import one_line

_COLUMNS = (
    "id, at, user, origin, context, host, device, route, summary, outcome, detail, before_version, after_version, before, after"
)


class History:
    """The history in SQLite (mode 0600); safe to use from several threads.

    Entries are only ever added to or settled, never removed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or private_folder(state_folder()) / "history.sqlite"
        self._lock = threading.Lock()
        with self._open("The history cannot be opened.") as database:
            bring_up_to_date(database)

    def begin(
        self,
        *,
        context: str,
        host: str,
        device: str,
        route: HistoryRoute,
        summary: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        before_version: int | None = None,
    ) -> int:
        """Write a pending entry, on disk when this returns, and return its id.

        ``before`` and ``after`` are kept without their secrets.
        """
        row = (
            _now(), _user(), _origin(), context, host, device, route, masked_text(one_line(summary, 500)), _masked_json(before), _masked_json(after),
            before_version, "pending", os.getpid(),
        )  # fmt: skip
        with self._open("The history cannot be written, so that nothing was sent.") as database:
            cursor = database.execute(
                "INSERT INTO history (at, user, origin, context, host, device, route, summary, before, after, before_version, "
                "outcome, process, masked) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                row,
            )
            return int(cursor.lastrowid or 0)

    def end(
        self,
        entry: int,
        outcome: Outcome,
        detail: str = "",
        after_version: int | None = None,
        after: Mapping[str, Any] | None = None,
        *,
        orphan: bool = False,
    ) -> None:
        """Settle a pending entry; ``after`` where it was not known when it began.

        ``orphan``: it is another console's, which may have settled it meanwhile; then that holds.
        """
        with self._open("How the deployment went cannot be written to the history.") as database:
            database.execute(
                (
                    "UPDATE history SET outcome = ?, detail = ?, after_version = ?, ended = ?, after = coalesce(?, "
                    "after) WHERE id = ? AND (outcome = 'pending' OR NOT ?)"
                ),
                (
                    outcome,
                    masked_text(one_line(detail, 1000)),
                    after_version,
                    _now(),
                    _masked_json(after) if after else None,
                    entry,
                    orphan,
                ),
            )

    def leave(self, entry: int, detail: str) -> None:
        """Leave an entry pending: whether it went well cannot be told from here, and any console may settle it."""
        with self._open("The history cannot be written.") as database:
            text = masked_text(one_line(detail, 1000))
            database.execute("UPDATE history SET detail = ?, process = 0 WHERE id = ?", (text, entry))

    def entries(self, *, host: str = "", device: str = "", limit: int = 100) -> list[HistoryEntry]:
        """Return the newest entries first."""
        return self._read("(? = '' OR host = ?) AND (? = '' OR device = ?)", (host, host, device, device), limit)

    def entry(self, number: int) -> HistoryEntry:
        """Return one entry; raises OperatorError where there is none."""
        matches = self._read("id = ?", (number,), 1)
        if not matches:
            raise OperatorError(f"The history has no entry {number}.", remedy="See: dbe-console history.", code="history.unknown")
        return matches[0]

    def pending(self, host: str) -> list[HistoryEntry]:
        """Return the entries of a hub that nobody saw to their end, oldest first; those that a living console works on are left out."""
        with self._open("The history cannot be read.") as database:
            rows = database.execute("SELECT id, process FROM history WHERE outcome = 'pending' AND host = ?", (host,)).fetchall()
        orphans = [number for number, process in rows if process != os.getpid() and not _alive(process)]
        return [self.entry(number) for number in sorted(orphans)]

    def _read(self, where: str, values: tuple[Any, ...], limit: int) -> list[HistoryEntry]:
        with self._open("The history cannot be read.") as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM history WHERE {where} ORDER BY id DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    @contextlib.contextmanager
    def _open(self, what: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                database = sqlite3.connect(private_file(self._path), timeout=10)
                try:
                    database.execute("PRAGMA synchronous = FULL")
                    database.execute("PRAGMA secure_delete = ON")
                    with database:
                        yield database
                finally:
                    database.close()
            except (sqlite3.Error, FileError) as error:
                reason = error.cause if isinstance(error, FileError) else f"{one_line(error, 200)}."
                raise OperatorError(
                    what,
                    cause=f"{self._path}: {reason}",
                    remedy="Check free space and rights there; a damaged file can be moved away, a new one is made.",
                    code="history.file",
                ) from error


def _entry(row: Any) -> HistoryEntry:
    fields = {name.strip(): value for name, value in zip(_COLUMNS.split(","), row, strict=True)}
    decoded = {
        "at": datetime.fromisoformat(fields["at"]),
        "before": json.loads(fields["before"]),
        "after": json.loads(fields["after"]),
    }
    return HistoryEntry(**{**fields, **decoded})


def _masked_json(content: Mapping[str, Any] | None) -> str:
    return json.dumps(masked(content or {}))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _user() -> str:
    """Return the user, and who became them by sudo."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    behind = os.environ.get("SUDO_USER", "")
    return one_line(f"{name} ({behind})" if behind and behind != name else name, 80)


def _origin() -> str:
    """Return the address an SSH session comes from: the first word of SSH_CONNECTION, else of SSH_CLIENT."""
    words = (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_CLIENT") or "").split()
    return one_line(words[0], 80) if words else ""


def _alive(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
