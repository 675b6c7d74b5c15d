"""When each device's newest message came, as far as this machine's journals tell: nothing is asked of the hub for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from services.contexts.model import Context
from services.errors import OperatorError
from services.hub.endpoint import find_endpoint
from services.messages.filters import Filter
from services.messages.journal.location import journal_place
from services.messages.journal.window import Window

_LOOKED_AT = 5_000  # newest messages of the journal


def last_messages(journal: Path) -> dict[str, datetime]:
    """Return the newest message of each device in a journal; empty where there is no journal yet."""
    if not journal.is_file():
        return {}
    window = Window(journal)
    try:
        newest: dict[str, datetime] = {}
        for message in window.newest(_LOOKED_AT, Filter.parse("")):
            newest[message.device] = max(message.enqueued, newest.get(message.device, message.enqueued))
        return newest
    finally:
        window.close()


def last_messages_of(context: Context) -> tuple[dict[str, datetime], str]:
    """Return the same by the journal of a context's endpoint, and why there is none where the endpoint cannot be had."""
    try:
        endpoint = find_endpoint(context)
    except OperatorError as error:
        return {}, str(error)
    return last_messages(journal_place(endpoint.namespace, endpoint.entity).journal), ""
