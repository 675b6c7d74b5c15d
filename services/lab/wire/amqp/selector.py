"""Where a reader begins: the selector filter that Event Hubs' clients put on a source."""

from __future__ import annotations

import re
from typing import Any

from services.lab.cloud.hub import EventStore

from .links import Refusal
from .types import Described

# What the filter is says the described type, by either of its names; the key in the filter-set is any name
# (amqp-core-messaging 3.5.8; apache.org's registered filters).
_SELECTOR = ("apache.org:selector-filter:string", 0x0000_468C_0000_0004)
# azure-eventhub quotes its values, the az extension does not, and calls the time x-opt-enqueuedtimeutc.
_TERM = re.compile(
    r"\s*amqp\.annotation\.(?P<field>x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time|x-opt-enqueuedtimeutc)\s*"
    r"(?P<sign>>=?)\s*(?P<quote>'?)(?P<value>@latest|-?\d{1,19})(?P=quote)\s*"
)


def position(filters: Any, store: EventStore, partition: int) -> tuple[int, dict[Any, Any]]:
    """Return the sequence number after which to read (-1 for everything there is), and the filters that are in force.

    Filters of other types are not applied, and so are left out of what is in force. Raises Refusal for a selector that is none,
    and for a position beyond the end.
    """
    if not isinstance(filters, dict):
        return -1, {}
    for name, value in filters.items():
        if isinstance(value, Described) and value.descriptor in _SELECTOR:
            return _start(value.value, store, partition), {name: value}
    return -1, {}


def _start(text: Any, store: EventStore, partition: int) -> int:
    match = _TERM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Refusal("amqp:invalid-field", f"The filter expression is not understood: {str(text)[:200]}")
    field, value, inclusive = match["field"], match["value"], match["sign"] == ">="
    latest = store.latest(partition)
    if value == "@latest":
        return latest
    number = int(value)
    if field == "x-opt-sequence-number":
        if number > latest and number >= 0:
            # The words of Event Hubs (tests/cases/azure/11a-sequence-beyond-end.json).
            text = f"The supplied sequence number '{number}' is invalid. The last sequence number in the system is '{latest}'"
            raise Refusal("com.microsoft:argument-error", text)
        return max(-1, number - 1 if inclusive else number)
    if number < 0:
        return -1
    if field == "x-opt-offset":
        return store.after_offset(partition, number, inclusive)
    return store.after_time(partition, number, inclusive)
