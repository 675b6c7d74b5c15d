"""Results that wait to be sent, in a bounded queue on disk.

A restart of the client or a hub out of reach loses none of the newest.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

LIMIT = 10_000


@dataclass(frozen=True)
class Waiting:
    """A result that was not sent yet.

    ``message_id`` stays the same however often it is tried, so that a reader can tell a repeat.
    """

    row: int
    message_id: str
    body: str


class Outbox:
    """Keep the queue. Thread-safe; above ``limit`` the oldest results are discarded, and ``discard_count`` counts them.

    Raises sqlite3.Error where the queue is lost: its folder gone, its file damaged.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.discard_count = 0
        self._limit = limit
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._path = folder / "outbox.sqlite"
        self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS waiting (row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, body TEXT NOT NULL)"
        )

    def put(self, body: str) -> None:
        """Append a result."""
        with self._lock:
            self._database.execute("INSERT INTO waiting (id, body) VALUES (?, ?)", (str(uuid.uuid4()), body))
            over = self._count() - self._limit
            if over > 0:
                self._database.execute("DELETE FROM waiting WHERE row IN (SELECT row FROM waiting ORDER BY row LIMIT ?)", (over,))
                self.discard_count += over
            self._arrived.notify_all()

    def first(self, timeout: float) -> Waiting | None:
        """Return the oldest result, waiting up to ``timeout`` seconds for one; it stays until ``remove`` takes it out."""
        with self._lock:
            if not self._count():
                self._arrived.wait(timeout)
            row = self._database.execute("SELECT row, id, body FROM waiting ORDER BY row LIMIT 1").fetchone()
            return Waiting(*row) if row else None

    def remove(self, result: Waiting) -> None:
        """Take out a result that the hub has acknowledged."""
        with self._lock:
            self._database.execute("DELETE FROM waiting WHERE row = ?", (result.row,))

    def __len__(self) -> int:
        with self._lock:
            return self._count()

    def close(self) -> None:
        """Close the file; unsent results stay in it for the next start."""
        with self._lock:
            self._database.close()

    def _count(self) -> int:
        if not self._path.exists():  # SQLite would go on with a file that has lost its name
            raise sqlite3.OperationalError("its file is gone")
        return int(self._database.execute("SELECT count(*) FROM waiting").fetchone()[0])
