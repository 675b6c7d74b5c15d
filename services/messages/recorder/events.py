"""azure-eventhub's EventData as rows of the journal: on the hot path, so lean.

System properties are message annotations with bytes keys (docs/facts/iot-hub.md). What is the same for all messages of a sender goes
into its origin, once; the rest stays with the message.

A message is kept whatever its annotations hold. Where the service's own stamps cannot be used they stay among the system
properties as they came, and the first of these, ``malformed``, says so. A message without a usable number gets a negative one, made
from its offset, which no two messages of a partition share, else from all that it holds: received again it is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from math import isfinite
from typing import Any, TypeVar

from services.messages.journal.rows import LARGEST_NUMBER, MALFORMED, OriginKey, RawMessage
from services.messages.parsing.parse import derive
from services.messages.start import LATEST_TIME

_SEQUENCE, _OFFSET, _ENQUEUED = b"x-opt-sequence-number", b"x-opt-offset", b"x-opt-enqueued-time"
_HUB_TIME = b"iothub-enqueuedtime"
_DEVICE, _MODULE = b"iothub-connection-device-id", b"iothub-connection-module-id"
_STABLE = (b"iothub-connection-auth-method", b"iothub-connection-auth-generation-id", b"iothub-message-source")
_AUTH, _GENERATION, _SOURCE = _STABLE
_TAKEN = frozenset({_SEQUENCE, _OFFSET, _ENQUEUED, _DEVICE, _MODULE, *_STABLE})
_ORIGINS_KEPT = 10_000
_DEEP = 32
Value = TypeVar("Value")

_origins: dict[tuple[object, ...], OriginKey] = {}
_names: dict[object, str] = {}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_quote = json.encoder.encode_basestring


def raw_messages(events: Iterable[Any]) -> list[RawMessage]:
    """Return each event as a row, in order."""
    return [event if isinstance(event, RawMessage) else raw_message(event.raw_amqp_message) for event in events]


def without_number(message: RawMessage) -> RawMessage:
    """Return the same message without its number, which is out of the order."""
    reason = f"sequence number out of order: {message.sequence}"
    system = json.loads(message.system or "{}")
    reasons = [*filter(None, [system.pop(MALFORMED, "") if message.malformed else ""]), reason]
    identity: list[object] = [message.offset] if message.offset else [message.sequence, message.enqueued, message.body.hex()]
    return message._replace(sequence=_identity(identity), system=_encode({MALFORMED: "; ".join(reasons), **system}))


def raw_message(message: Any) -> RawMessage:
    """Return an AMQP message as a row, whatever it holds; of the SDK or of ``sections.decode``."""
    try:
        annotations = message.annotations
        sequence, enqueued = annotations[_SEQUENCE], annotations[_ENQUEUED]
        if type(sequence) is int and 0 <= sequence <= LARGEST_NUMBER and type(enqueued) is int and 0 <= enqueued <= LATEST_TIME:
            return _raw(message, annotations, sequence, enqueued)
    except Exception:  # noqa: BLE001 - whatever it is made of: it must not stop the others
        return _malformed(message)
    return _malformed(message)


def _malformed(message: Any) -> RawMessage:
    """Return a message of which something cannot be used; every part of it is tried by itself."""
    reasons: list[str] = []
    annotations: dict[Any, Any] = _attempt(lambda: dict(message.annotations or {}), {}, "annotations", reasons)
    raw_sequence, raw_enqueued = annotations.get(_SEQUENCE), annotations.get(_ENQUEUED)
    sequence, enqueued = _whole(raw_sequence, LARGEST_NUMBER), _whole(raw_enqueued, LATEST_TIME)
    own: dict[Any, Any] = {}
    for name, key, raw, number in (
        ("sequence number", _SEQUENCE, raw_sequence, sequence),
        ("enqueued time", _ENQUEUED, raw_enqueued, enqueued),
    ):
        if type(raw) is not int or raw != number:
            reasons.append(f"no {name}" if raw is None else f"{name} of another form: {_plain(raw)!s:.60}")
            own |= {} if raw is None else {key: raw}
    body = _attempt(lambda: _body(message), b"", "body", reasons)
    offset = _attempt(lambda: _offset(annotations.get(_OFFSET)), None, "offset", reasons)
    if enqueued is None:
        enqueued = _whole(annotations.get(_HUB_TIME), LATEST_TIME)
    if enqueued is None:
        enqueued = int(time.time() * 1000)
    if sequence is None:
        rest = [[_text(name), str(_plain(value))] for name, value in annotations.items()]
        sequence = _identity([offset] if offset else [*sorted(rest), body.hex()])
    try:
        row = _raw(message, annotations, sequence, enqueued, body)
    except Exception:  # noqa: BLE001 - its body and its stamps are kept; what else it has cannot be read
        reasons.append("properties cannot be read")
        kind, milliseconds, confidence, label, text, _ = derive(body, "", "")
        origin = ("", "", "", "", "{}")
        row = RawMessage(sequence, enqueued, origin, kind, milliseconds, confidence, label, offset, text, body, None, None)
    system = {MALFORMED: "; ".join(reasons), **{_text(name): _plain(value) for name, value in own.items()}}
    return row._replace(system=_encode(system)[:-1] + ("," + row.system[1:] if row.system else "}"))


def _attempt(read: Callable[[], Value], otherwise: Value, name: str, reasons: list[str]) -> Value:
    try:
        return read()
    except Exception:  # noqa: BLE001 - see _malformed
        reasons.append(f"{name} cannot be read")
        return otherwise


def _whole(value: Any, largest: int) -> int | None:
    """Return a number from 0 to ``largest``, also written as text; a moment in ms where it is one; None for anything else."""
    if isinstance(value, datetime):
        value = int(value.timestamp() * 1000)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        value = int(value) if re.fullmatch("[0-9]{1,16}", value) else None
    return value if type(value) is int and 0 <= value <= largest else None


def _identity(parts: list[object]) -> int:
    digest = hashlib.blake2b(json.dumps(parts, default=str).encode("utf-8", "replace"), digest_size=8).digest()
    return -1 - int.from_bytes(digest, "big") // 2


def _offset(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if type(value) is bytes else None if value is None else _text(value)


def _raw(message: Any, annotations: dict[Any, Any], sequence: int, enqueued: int, body: bytes | None = None) -> RawMessage:
    get = annotations.get
    properties = message.properties
    content_type = content_encoding = None
    system = {name: value for name, value in annotations.items() if name not in _TAKEN}
    if properties is not None:
        content_type, content_encoding = properties.content_type, properties.content_encoding
        for name, value in (
            ("message-id", properties.message_id),
            ("correlation-id", properties.correlation_id),
            ("user-id", properties.user_id),
        ):
            if value is not None:
                system[name] = value
    key = (get(_DEVICE), get(_MODULE), content_type, content_encoding, get(_AUTH), get(_GENERATION), get(_SOURCE))
    try:
        origin = _origins[key]
    except (KeyError, TypeError):  # TypeError: a value that is no plain one, and so cannot be a key
        origin = _origin(key)
    body = _body(message) if body is None else body
    kind, milliseconds, confidence, label, text, _ = derive(body, origin[2], origin[3])
    own = message.application_properties
    return RawMessage(
        sequence,
        enqueued,
        origin,
        kind,
        milliseconds,
        confidence,
        label,
        _offset(get(_OFFSET)),
        text,
        body,
        _object(own) if own else None,
        _object(system) if system else None,
    )


def _object(items: dict[Any, Any]) -> str:
    """Return a JSON object; put together by hand where a value is a number or bytes, which is four times as fast as the encoder."""
    parts = []
    for name, value in items.items():
        quoted = _names.get(name) or _name(name)
        if type(value) is int:
            parts.append(f"{quoted}:{value}")
        elif type(value) is bytes:
            parts.append(f"{quoted}:{_quote(value.decode('utf-8', 'replace'))}")
        else:
            parts.append(f"{quoted}:{_encode(_plain(value))}")
    return "{" + ",".join(parts) + "}"


def _name(name: object) -> str:
    quoted = _quote(_text(name))
    if len(_names) < 1_000:
        _names[name] = quoted
    return quoted


def _origin(key: tuple[object, ...]) -> OriginKey:
    device, module, content_type, content_encoding, *stable = key
    rest = {_text(name): _plain(value) for name, value in zip(_STABLE, stable, strict=True) if value is not None}
    origin = (_text(device), _text(module), _text(content_type), _text(content_encoding), _encode(rest))
    if len(_origins) >= _ORIGINS_KEPT:
        _origins.clear()
    try:
        _origins[key] = origin
    except TypeError:
        return origin
    return origin


def _body(message: Any) -> bytes:
    try:
        return b"".join(message.body)
    except TypeError:
        # AMQP value and sequence bodies, which no device sends but any AMQP sender may: shown as text.
        body = None if message.body_type.name == "DATA" else message.body  # of no data at all, the SDK's ``body`` raises again
        if body is None:
            return b""
        if isinstance(body, (bytes, bytearray)):
            return bytes(body)
        return _encode(_plain(list(body) if hasattr(body, "__next__") else body)).encode("utf-8", "replace")


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _plain(value: Any, deep: int = _DEEP) -> Any:
    """Return JSON's kinds; bytes become text, and so do numbers that JSON does not have and what is nested too deeply."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if isfinite(value) else json.dumps(value)
    if not deep:
        return "…"
    if isinstance(value, dict):
        return {_text(name): _plain(item, deep - 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, deep - 1) for item in value]
    return value if value is None or isinstance(value, int) else _text(value)
