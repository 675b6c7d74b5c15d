"""What azure-eventhub does not say of a link: whether it is attached, whether it was refused, and that it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

from services.diagnosis import explain
from services.errors import OperatorError
from services.records import Evidence

CLOSE_SECONDS = 5.0


def refusal(client: Any) -> OperatorError | None:
    """Return why the hub refused the link, if it did.

    azure-eventhub 5.15.1 takes a link that is refused as the Event Hubs service does it (an attach without source, then a
    detach that says why) for an open one, spins, and tells nobody: there is no public way to learn of it, so its link is looked
    at.
    """
    error = getattr(_link(client), "_error", None)
    condition = getattr(error, "condition", None)
    if not condition:
        return None
    name = condition.decode() if isinstance(condition, bytes) else str(getattr(condition, "value", condition))
    description = getattr(error, "description", None) or ""
    text = description.decode("utf-8", "replace") if isinstance(description, bytes) else str(description)
    return explain(Evidence(source="amqp", code=name, text=text, token=_by_token(client)))


def _by_token(client: Any) -> bool:
    """Return whether the client signs in with a token: a key's credential of the SDK names its type."""
    return not hasattr(getattr(client, "_credential", None), "token_type")


def attached(client: Any) -> bool:
    """Return whether the hub has answered the attach. The SDK begins anew without a word where opening fails: it has no link then."""
    return getattr(getattr(_link(client), "state", None), "name", "") == "ATTACHED"


def _link(client: Any) -> Any:
    for processor in getattr(client, "_event_processors", {}).values():
        for consumer in getattr(processor, "_consumers", {}).values():
            return getattr(getattr(consumer, "_handler", None), "_link", None)
    return None


async def close(client: Any, receiving: asyncio.Task[None] | None) -> None:
    """Close a link in the background: a frozen hub makes closing hang."""
    if receiving is not None:
        receiving.cancel()
        await asyncio.wait({receiving}, timeout=CLOSE_SECONDS)
        if receiving.done() and not receiving.cancelled():
            receiving.exception()
    with contextlib.suppress(asyncio.TimeoutError, OSError):
        await asyncio.wait_for(client.close(), CLOSE_SECONDS)
    del client, receiving
    gc.collect()  # its tags hang in cycles, and the recorder makes collections rare
