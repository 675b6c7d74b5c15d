"""What this machine's consoles spend of a hub's daily message quota.

Metered are twin reads, queries, direct methods (to offline devices too) and applying a deployment; reading identities is
free (docs/facts/iot-hub.md).
A metered call counts in units of 4 KB, on a free hub of 0.5 KB, and at least one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from services.contexts.paths import state_folder
from services.files import FileError, private_file, private_folder
from services.text import counted

STANDARD_UNIT = 4096
FREE_UNIT = 512
FREE_DAY = 8000
Charge = Literal["none", "reply", "request", "exchange"]


def units(size: int, unit: int = STANDARD_UNIT) -> int:
    """Return messages that one metered call of ``size`` bytes costs."""
    return max(1, -(-size // unit))


def charged_sizes(charge: Charge, sent: int, received: int) -> tuple[int, ...]:
    """Return the sizes that the hub charges for, each by itself.

    A direct method's request and reply (to an offline device, too), a twin read's or query's reply, the request of an update or
    a deployment (docs/facts/iot-hub.md).
    """
    return {"none": (), "reply": (received,), "request": (sent,), "exchange": (sent, received)}[charge]


class QuotaMeter:
    """Counts metered calls to one hub per UTC day, shared by every console of this user through a small SQLite file.

    A state folder that cannot be written costs the sum over processes, not the console: the meter then counts for itself,
    and ``note`` says so.
    """

    def __init__(self, host: str, path: Path | None = None) -> None:
        self._host = host
        self._path = path
        self._lock = threading.Lock()
        self._own: dict[str, tuple[int, int]] = {}
        self._shared = True

    def add(self, size: int) -> None:
        """Count one metered call of ``size`` bytes."""
        today = _today()
        standard, free = units(size), units(size, FREE_UNIT)
        with self._lock:
            before = self._own.get(today, (0, 0))
            self._own = {today: (before[0] + standard, before[1] + free)}
            if not self._shared:
                return
            try:
                with self._database() as database:
                    database.execute(
                        "INSERT INTO spent VALUES (?, ?, ?, ?) ON CONFLICT (host, day) DO UPDATE "
                        "SET standard = standard + excluded.standard, free = free + excluded.free",
                        (self._host, today, standard, free),
                    )
                    database.execute("DELETE FROM spent WHERE day < date('now', '-31 days')")
            except (sqlite3.Error, FileError):
                self._shared = False

    def spent_today(self, *, free_hub: bool = False) -> int:
        """Return the messages spent today (UTC), in 4 KB units, or in the 0.5 KB units of a free hub."""
        column = 1 if free_hub else 0
        with self._lock:
            if self._shared:
                try:
                    with self._database() as database:
                        row = database.execute(
                            "SELECT standard, free FROM spent WHERE host = ? AND day = ?", (self._host, _today())
                        ).fetchone()
                    return int(row[column]) if row else 0
                except (sqlite3.Error, FileError):
                    self._shared = False
            return self._own.get(_today(), (0, 0))[column]

    @property
    def note(self) -> str:
        """What is spent, in a few words for the status line."""
        standard, free = self.spent_today(), self.spent_today(free_hub=True)
        where = "" if self._shared else ", this process only"
        return f"{counted(standard, 'message')} spent today ({free} of {FREE_DAY} if the hub is a free one{where})"

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        path = self._path or private_folder(state_folder()) / "quota.sqlite"
        database = sqlite3.connect(private_file(path), timeout=2)
        try:
            database.execute(
                "CREATE TABLE IF NOT EXISTS spent (host TEXT, day TEXT, standard INTEGER, free INTEGER, PRIMARY KEY (host, day))"
            )
            with database:
                yield database
        finally:
            database.close()


def _today() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")
