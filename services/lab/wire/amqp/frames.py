"""Frames of the AMQP 1.0 transport: what comes in as named fields, what goes out at full length.

Clients of azure-eventhub index fields without looking at the length of the list (docs/facts/sdk-clients.md), so every performative is
written with all its fields, nulls included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .decode import decode
from .encode import described, encode, encode_list
from .types import Array, CodecError, Described, Symbol, UInt, ULong, UShort

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
HEARTBEAT = b"\x00\x00\x00\x08\x02\x00\x00\x00"

# The largest frame this side takes, and offers: what Event Hubs offers.
MAX_FRAME = 1024 * 1024
# What both sides must take before the open frames are exchanged (amqp-core-transport, MIN-MAX-FRAME-SIZE).
MIN_FRAME = 512

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_MECHANISMS, SASL_INIT, SASL_CHALLENGE, SASL_RESPONSE, SASL_OUTCOME = range(0x40, 0x45)
SOURCE, TARGET, ERROR = 0x28, 0x29, 0x1D
ACCEPTED, REJECTED, RELEASED, MODIFIED = 0x24, 0x25, 0x26, 0x27

_FIELDS: dict[int, tuple[str, ...]] = {
    OPEN: ("container_id", "hostname", "max_frame_size", "channel_max", "idle_time_out", "outgoing_locales", "incoming_locales",
           "offered_capabilities", "desired_capabilities", "properties"),
    BEGIN: ("remote_channel", "next_outgoing_id", "incoming_window", "outgoing_window", "handle_max", "offered_capabilities",
            "desired_capabilities", "properties"),
    ATTACH: ("name", "handle", "role", "snd_settle_mode", "rcv_settle_mode", "source", "target", "unsettled",
             "incomplete_unsettled", "initial_delivery_count", "max_message_size", "offered_capabilities", "desired_capabilities",
             "properties"),
    FLOW: ("next_incoming_id", "incoming_window", "next_outgoing_id", "outgoing_window", "handle", "delivery_count",
           "link_credit", "available", "drain", "echo", "properties"),
    TRANSFER: ("handle", "delivery_id", "delivery_tag", "message_format", "settled", "more", "rcv_settle_mode", "state", "resume",
               "aborted", "batchable"),
    DISPOSITION: ("role", "first", "last", "settled", "state", "batchable"),
    DETACH: ("handle", "closed", "error"),
    END: ("error",),
    CLOSE: ("error",),
    SASL_MECHANISMS: ("sasl_server_mechanisms",),
    SASL_INIT: ("mechanism", "initial_response", "hostname"),
    SASL_CHALLENGE: ("challenge",),
    SASL_RESPONSE: ("response",),
    SASL_OUTCOME: ("code", "additional_data"),
    SOURCE: ("address", "durable", "expiry_policy", "timeout", "dynamic", "dynamic_node_properties", "distribution_mode",
             "filter", "default_outcome", "outcomes", "capabilities"),
    TARGET: ("address", "durable", "expiry_policy", "timeout", "dynamic", "dynamic_node_properties", "capabilities"),
    ERROR: ("condition", "description", "info"),
}  # fmt: skip

# The type every field must have when it is there; a field that is missing here is taken as it comes.
_KINDS: dict[str, type | tuple[type, ...]] = {
    "container_id": str, "hostname": str, "max_frame_size": UInt, "idle_time_out": UInt, "channel_max": UShort,
    "remote_channel": UShort, "next_outgoing_id": UInt, "incoming_window": UInt, "outgoing_window": UInt, "handle_max": UInt,
    "name": str, "handle": UInt, "role": bool, "initial_delivery_count": UInt, "next_incoming_id": UInt, "delivery_count": UInt,
    "link_credit": UInt, "drain": bool, "echo": bool, "delivery_id": UInt, "delivery_tag": bytes, "settled": bool, "more": bool,
    "aborted": bool, "first": UInt, "last": UInt, "closed": bool, "mechanism": Symbol, "initial_response": bytes, "filter": dict,
    "properties": dict,
}  # fmt: skip

_MANDATORY: dict[int, tuple[str, ...]] = {
    OPEN: ("container_id",),
    BEGIN: ("next_outgoing_id", "incoming_window", "outgoing_window"),
    ATTACH: ("name", "handle", "role"),
    FLOW: ("incoming_window", "next_outgoing_id", "outgoing_window"),
    TRANSFER: ("handle",),
    DISPOSITION: ("role", "first"),
    DETACH: ("handle",),
    SASL_INIT: ("mechanism",),
}


@dataclass(frozen=True)
class Frame:
    """One frame: ``code`` 0 is the empty one that keeps a connection alive. ``payload`` is what follows a transfer."""

    channel: int
    code: int
    fields: dict[str, Any]
    payload: bytes = b""
    sasl: bool = False


def parse_frame(data: bytes) -> Frame:
    """Return a whole frame, its size included. Raises CodecError."""
    offset, kind, channel = data[4] * 4, data[5], int.from_bytes(data[6:8], "big")
    if not 8 <= offset <= len(data) or kind not in (0, 1):
        raise CodecError("a frame's header is wrong")
    if offset == len(data):
        return Frame(channel, 0, {})
    performative, at = decode(data, offset)
    code, fields = fields_of(performative)
    if code not in _FIELDS or code in (SOURCE, TARGET, ERROR) or (code >= SASL_MECHANISMS) != (kind == 1):
        raise CodecError(f"unexpected performative {code!r}")
    return Frame(channel, code, fields, data[at:], kind == 1)


def fields_of(value: Any) -> tuple[int, dict[str, Any]]:
    """Return the code and the named fields of a described list; fields that the sender left out are None."""
    if not isinstance(value, Described) or not isinstance(value.value, list) or not isinstance(value.descriptor, int):
        raise CodecError("a described list was expected")
    code = int(value.descriptor)
    names = _FIELDS.get(code, ())
    if len(value.value) > len(names):
        raise CodecError(f"too many fields for 0x{code:02x}")
    fields_by_name = dict.fromkeys(names) | dict(zip(names, value.value, strict=False))
    for name, field in fields_by_name.items():
        kind = _KINDS.get(name)
        if field is not None and kind is not None and not isinstance(field, kind):
            raise CodecError(f"{name} is of the wrong type")
    if any(fields_by_name[name] is None for name in _MANDATORY.get(code, ())):
        raise CodecError(f"0x{code:02x} misses a field")
    return code, fields_by_name


def composite(code: int, /, **fields: Any) -> bytes:
    """Return a described list at full length; bytes of type ``Encoded`` are taken as they are."""
    unknown = fields.keys() - set(_FIELDS[code])
    if unknown:
        raise ValueError(f"no such field: {unknown}")
    return described(code, encode_list(_one(fields.get(name)) for name in _FIELDS[code]))


class Encoded(bytes):
    """A field that is encoded already."""


def _one(value: Any) -> bytes:
    return bytes(value) if isinstance(value, Encoded) else encode(value)


def frame(channel: int, code: int, payload: bytes = b"", /, **fields: Any) -> bytes:
    """Return a whole outgoing frame."""
    body = composite(code, **fields)
    kind = 1 if code >= SASL_MECHANISMS else 0
    return (8 + len(body) + len(payload)).to_bytes(4, "big") + bytes((2, kind)) + channel.to_bytes(2, "big") + body + payload


def error(condition: str, description: str, info: dict[str, Any] | None = None) -> Encoded:
    """Return the error of a detach, an end, a close or a rejection."""
    pairs = {Symbol(key): value for key, value in (info or {}).items()}
    return Encoded(composite(ERROR, condition=Symbol(condition), description=description, info=pairs or None))


def symbols(*names: str) -> Array:
    """Return an array of symbols, which is how capabilities and mechanisms travel."""
    return Array(Symbol(name) for name in names)


def names_in(value: Any) -> set[str]:
    """Return the symbols of a field that may hold one, several or none."""
    if value is None:
        return set()
    return {str(item) for item in value} if isinstance(value, list) else {str(value)}


def address_of(terminus_value: Any) -> str:
    """Return the address of an incoming source or target; empty where there is none."""
    if terminus_value is None:
        return ""
    address = fields_of(terminus_value)[1].get("address")
    return address if isinstance(address, str) else ""


def with_filters(source: Any, filters: dict[Any, Any]) -> Any:
    """Return an incoming source with other filters: what goes back names only those that are in force (amqp-core-messaging 3.5.3)."""
    index = _FIELDS[SOURCE].index("filter")
    if not isinstance(source, Described) or not isinstance(source.value, list) or len(source.value) <= index:
        return source
    fields = list(source.value)
    fields[index] = filters or None
    return Described(source.descriptor, fields)


MAX_MESSAGE = ULong(1024 * 1024)


def composite_empty(code: int) -> bytes:
    """Return a described empty list, such as the outcome ``accepted``."""
    return described(code, b"\x45")


def rejected(reason: Encoded) -> bytes:
    """Return the outcome ``rejected`` with its error."""
    return described(REJECTED, encode_list([reason]))
