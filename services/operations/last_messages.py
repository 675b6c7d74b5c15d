"""When each device's newest message came, as far as this machine's journals tell: nothing is asked of the hub for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from services.messages.filters import Filter
from services.messages.window import Window

_LOOKED_AT = 5_000  # newest messages of the journal


def last_messages(journal: Path) -> dict[str, datetime]:
    """The newest message of each device in a journal; empty where there is no journal yet."""
    if not journal.is_file():
        return {}
    window = Window(journal)
    try:
        found: dict[str, datetime] = {}
        for message in window.newest(_LOOKED_AT, Filter.parse("")):
            found[message.device] = max(message.enqueued, found.get(message.device, message.enqueued))
        return found
    finally:
        window.close()
