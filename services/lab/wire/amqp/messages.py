"""The sections of an AMQP message: requests read, replies and device events written."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from services.lab.cloud.hub import Event
from services.lab.cloud.hub.mailbox import CloudMessage

from .decode import decode_all
from .encode import described, encode, encode_list, encode_map
from .types import CodecError, Described, Symbol, Timestamp, UByte, ULong

_HEADER, _DELIVERY_ANNOTATIONS, _ANNOTATIONS, _PROPERTIES, _APPLICATION, _DATA, _SEQUENCE, _VALUE, _FOOTER = range(0x70, 0x79)

_PROPERTY_NAMES = (
    "message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type", "content_encoding",
    "absolute_expiry_time", "creation_time", "group_id", "group_sequence", "reply_to_group_id",
)  # fmt: skip


@dataclass
class Message:
    """A message as it arrived: ``body`` is the joined data sections, or the value."""

    properties: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)
    application_properties: dict[str, Any] = field(default_factory=dict)
    body: Any = b""


def read_message(payload: bytes) -> Message:
    """Return a whole message's sections. Raises CodecError."""
    message, data = Message(), []
    for section in decode_all(payload):
        if not isinstance(section, Described) or section.descriptor not in range(_HEADER, _FOOTER + 1):
            raise CodecError("a message section was expected")
        value = section.value
        if section.descriptor == _PROPERTIES and isinstance(value, list):
            message.properties = dict(zip(_PROPERTY_NAMES, value, strict=False))  # fields at the end may be left out
        elif section.descriptor == _APPLICATION and isinstance(value, dict):
            message.application_properties = {str(key): item for key, item in value.items()}
        elif section.descriptor == _ANNOTATIONS and isinstance(value, dict):
            message.annotations = {str(key): item for key, item in value.items()}
        elif section.descriptor == _DATA and isinstance(value, bytes):
            data.append(value)
        elif section.descriptor == _VALUE:
            message.body = value
    if data:
        message.body = b"".join(data)
    return message


def reply(correlation_id: Any, application_properties: dict[str, Any], value: Any) -> bytes:
    """Return a reply of ``$cbs`` or ``$management``: status in the application properties, ``value`` as body."""
    return b"".join(
        (
            described(_PROPERTIES, _properties({"correlation_id": correlation_id})),
            described(_APPLICATION, encode(application_properties)),
            described(_VALUE, encode(value)),
        )
    )


_NULL = encode(None)


def _properties(values: Mapping[str, Any]) -> bytes:
    return encode_list([encode(_typed(name, values[name])) if name in values else _NULL for name in _PROPERTY_NAMES])


def _typed(name: str, value: Any) -> Any:
    """Return a property in the type that the standard gives it (amqp-core-messaging 3.2.4): uamqp drops the connection over another."""
    if isinstance(value, str):
        if name in ("content_type", "content_encoding"):
            return Symbol(value.encode("ascii", "replace").decode())
        if name == "user_id":
            return value.encode()
    return value


# Of an event's annotations these differ from event to event; the rest is the same for all events of a sender and encoded once.
_MOVING = frozenset(("x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time", "iothub-enqueuedtime"))
_MOVING_HEAD = struct.Struct(">{}sBq{}sBq{}sBq{}s".format(*(len(encode(Symbol(name))) for name in (
    "x-opt-sequence-number", "x-opt-enqueued-time", "iothub-enqueuedtime", "x-opt-offset"))))  # fmt: skip
_SEQUENCE_KEY, _ENQUEUED_KEY, _HUB_TIME_KEY, _OFFSET_KEY = (
    encode(Symbol(name)) for name in ("x-opt-sequence-number", "x-opt-enqueued-time", "iothub-enqueuedtime", "x-opt-offset")
)
_MAP32 = struct.Struct(">3sBII").pack
_DATA32 = struct.Struct(">3sBI").pack
_CONSTRUCTOR = {code: b"\x00\x53" + bytes((code,)) for code in (_ANNOTATIONS, _DATA)}


# Cached by value *and* type, for 1 == True == 1.0 and each is written differently.
@lru_cache(maxsize=4096)
def _standing(annotations: tuple[tuple[str, type, Any], ...]) -> tuple[int, bytes]:
    return 2 * len(annotations), b"".join(encode(Symbol(key)) + encode(value) for key, _, value in annotations)


@lru_cache(maxsize=1024)
def _application(properties: tuple[tuple[str, type, Any], ...]) -> bytes:
    return described(_APPLICATION, encode_map(part for key, _, value in properties for part in (encode(key), encode(value))))


def event_bytes(event: Event) -> bytes:
    """Return the event's message."""
    count, standing = _standing(tuple([(key, type(value), value) for key, value in event.sender.items() if key not in _MOVING]))
    hub_time = event.sender.get("iothub-enqueuedtime", event.enqueued_ms)
    moving = _MOVING_HEAD.pack(
        _SEQUENCE_KEY,
        0x81,
        event.sequence_number,
        _ENQUEUED_KEY,
        0x83,
        event.enqueued_ms,
        _HUB_TIME_KEY,
        0x83,
        hub_time,
        _OFFSET_KEY,
    )
    offset = encode(str(event.offset))
    parts = [
        _MAP32(_CONSTRUCTOR[_ANNOTATIONS], 0xD1, 4 + len(standing) + len(moving) + len(offset), count + 8),
        standing,
        moving,
        offset,
    ]
    if event.properties:
        parts.append(described(_PROPERTIES, _properties(event.properties)))
    if event.application_properties:
        parts.append(_application(tuple((key, type(value), value) for key, value in event.application_properties.items())))
    parts += (_DATA32(_CONSTRUCTOR[_DATA], 0xB0, len(event.body)), event.body)
    return b"".join(parts)


def cloud_message_bytes(message: CloudMessage, to: str) -> bytes:
    """Return a queued message as its receiver gets it: a device's, or the service's feedback."""
    properties = {**message.system, **({"to": to} if to else {}), "absolute_expiry_time": Timestamp(int(message.expires * 1000))}
    annotations = {
        Symbol("iothub-enqueuedtime"): Timestamp(int(message.enqueued * 1000)),
        Symbol("iothub-deliverycount"): UByte(min(message.deliveries, 255)),
        Symbol("x-opt-sequence-number"): ULong(message.number),
        Symbol("x-opt-lock-token"): message.lock,
    }
    return b"".join(
        (
            described(_ANNOTATIONS, encode(annotations)),
            described(_PROPERTIES, _properties(properties)),
            described(_APPLICATION, encode(dict(message.application))) if message.application else b"",
            described(_DATA, encode(message.body)),
        )
    )


def channel_message_bytes(correlation_id: Any, annotations: dict[str, Any], application: dict[str, Any], body: bytes) -> bytes:
    """Return a message to a device about its twin, or a method."""
    return b"".join(
        (
            described(_ANNOTATIONS, encode({Symbol(key): value for key, value in annotations.items()})) if annotations else b"",
            described(_PROPERTIES, _properties({"correlation_id": correlation_id})) if correlation_id is not None else b"",
            described(_APPLICATION, encode(application)) if application else b"",
            described(_DATA, encode(body)),
        )
    )


def runtime_metrics(last: Event | None, now_ms: int) -> bytes:
    """Return the delivery annotations of a reader that asked for ``com.microsoft:enable-receiver-runtime-metric``."""
    metrics = {
        Symbol("last_enqueued_sequence_number"): last.sequence_number if last else -1,
        Symbol("last_enqueued_offset"): str(last.offset) if last else "-1",
        Symbol("last_enqueued_time_utc"): Timestamp(last.enqueued_ms if last else 0),
        Symbol("runtime_info_retrieval_time_utc"): Timestamp(now_ms),
    }
    return described(_DELIVERY_ANNOTATIONS, encode(metrics))
