"""Where a reader starts: the filter that Event Hubs clients put on the source of their link."""

from __future__ import annotations

import re
from typing import Any

from services.lab.hub import EventStore

from .links import Refusal
from .types import Described

_NAME = "apache.org:selector-filter:string"
# azure-eventhub quotes its values, the az extension does not, and calls the time x-opt-enqueuedtimeutc.
_TERM = re.compile(
    r"\s*amqp\.annotation\.(?P<field>x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time|x-opt-enqueuedtimeutc)\s*"
    r"(?P<sign>>=?)\s*(?P<quote>'?)(?P<value>@latest|-?\d{1,19})(?P=quote)\s*"
)


def position(filters: Any, store: EventStore, partition: int) -> int:
    """The sequence number after which to read: -1 for everything there is. Raises Refusal on a filter that is none."""
    text = _text(filters)
    if text is None:
        return -1
    match = _TERM.fullmatch(text)
    if match is None:
        raise Refusal("amqp:invalid-field", f"The filter expression is not understood: {text[:200]}")
    field, value, inclusive = match["field"], match["value"], match["sign"] == ">="
    if value == "@latest":
        return store.latest(partition)
    number = int(value)
    if field == "x-opt-sequence-number":
        return max(-1, number - 1 if inclusive else number)
    if number < 0:
        return -1
    if field == "x-opt-offset":
        return store.after_offset(partition, number, inclusive)
    return store.after_time(partition, number, inclusive)


def _text(filters: Any) -> str | None:
    if not isinstance(filters, dict):
        return None
    for name, value in filters.items():
        if str(name) == _NAME:
            inner = value.value if isinstance(value, Described) else value
            if not isinstance(inner, str):
                raise Refusal("amqp:invalid-field", "The filter is not a string.")
            return inner
    return None
