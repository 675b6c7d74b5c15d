"""The history of changes as it is read: also without a context, when all of it is all that there is to show."""

from __future__ import annotations

from services.deployment.history import History
from services.deployment.manifest.diff import diff
from services.records import DiffLine, HistoryEntry


def open_history() -> History:
    """Return this user's history. Raises OperatorError where it cannot be opened."""
    return History()


def difference(entry: HistoryEntry) -> tuple[DiffLine, ...]:
    """Return what an entry changed, line by line, secrets masked."""
    return diff(entry.before, entry.after)
