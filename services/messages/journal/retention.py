"""What the journal keeps: by count, age and size; what is too much goes, oldest first, and its space is given back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from services.messages.journal.store import Journal
from services.messages.start import LATEST_TIME

_DELETED_AT_ONCE = 5_000  # rows
_GIVEN_BACK_AT_ONCE = 5_000  # pages


@dataclass(frozen=True, slots=True)
class Keep:
    """How much the journal keeps."""

    rows: int = 5_000_000
    days: float = 30
    bytes: int = 4 * 1024**3


def retain(journal: Journal, keep: Keep, seconds: float = 0.2) -> bool:
    """Delete what is too old or too much, for at most about ``seconds``, and give the space back.

    The newest message always stays. Gives whether more is to do. Raises OperatorError.
    """
    until = time.monotonic() + seconds
    while _deleted(journal, keep):
        if time.monotonic() > until:
            return True
    return journal.give_back(_GIVEN_BACK_AT_ONCE) > _GIVEN_BACK_AT_ONCE


def _deleted(journal: Journal, keep: Keep) -> bool:
    """Delete one portion; whether there was anything to delete."""
    first, last = journal.bounds()
    if last <= first:
        return False
    with journal.writing() as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        surplus = (last - first + 1) - keep.rows
        size_in_use = (pages - free) * size
        if size_in_use > keep.bytes:
            surplus = max(surplus, int((last - first + 1) * (size_in_use - keep.bytes) / size_in_use) + 1)
        before = connection.total_changes
        if surplus > 0:
            border = min(first + min(surplus, _DELETED_AT_ONCE), last)
            connection.execute("DELETE FROM message WHERE row < ?", (border,))
        else:
            # Age is counted from the newest message where the local clock is ahead of it: one that jumps must not delete all.
            newest = connection.execute("SELECT max(enqueued) FROM message WHERE enqueued <= ?", (LATEST_TIME,)).fetchone()[0]
            border = min(_now(), newest or 0) - int(keep.days * 86_400_000)
            connection.execute(
                "DELETE FROM message WHERE row IN (SELECT row FROM message WHERE enqueued < ? ORDER BY enqueued LIMIT ?)"
                " AND row < ?",
                (border, _DELETED_AT_ONCE, last),
            )
        deleted = connection.total_changes > before
        if deleted:
            for table in ("mark", "malformed"):
                connection.execute(f"DELETE FROM {table} WHERE row NOT IN (SELECT row FROM message)")
    return deleted


def _now() -> int:
    return int(time.time() * 1000)
