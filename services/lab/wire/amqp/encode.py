"""Python values as AMQP 1.0 bytes."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from .types import (
    Array,
    Byte,
    Char,
    CodecError,
    Decimal,
    Described,
    Float,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

_LONG = struct.Struct(">Bq").pack
_UINT = struct.Struct(">BI").pack
_ULONG = struct.Struct(">BQ").pack
_SIZED = struct.Struct(">BI").pack
_COMPOUND = struct.Struct(">BII").pack


def encode(value: Any) -> bytes:
    """Encode ``value`` with its constructor. Raises CodecError on a type AMQP does not have and on a number out of range."""
    try:
        return _ENCODERS[type(value)](value)
    except KeyError:
        raise CodecError(f"no AMQP type for {type(value).__name__}") from None
    except (struct.error, OverflowError, UnicodeEncodeError) as error:
        raise CodecError(f"{type(value).__name__} does not fit: {error}") from None


def encode_list(fields: Iterable[bytes]) -> bytes:
    """Return a list whose elements are encoded already."""
    return _compound(0xC0, 0xD0, list(fields))


def encode_map(pairs: Iterable[bytes]) -> bytes:
    """Return a map whose keys and values, alternating, are encoded already."""
    return _compound(0xC1, 0xD1, list(pairs))


def described(code: int, encoded: bytes) -> bytes:
    """Return an encoded value under the descriptor ``code`` (below 256)."""
    return b"\x00\x53" + bytes((code,)) + encoded


def _compound(small: int, large: int, parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    if len(body) < 255 and len(parts) < 256:
        return bytes((small, len(body) + 1, len(parts))) + body
    return _COMPOUND(large, len(body) + 4, len(parts)) + body


def _variable(small: int, large: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((small, len(body))) + body
    return _SIZED(large, len(body)) + body


def _long(value: int) -> bytes:
    return struct.pack(">Bb", 0x55, value) if -128 <= value < 128 else _LONG(0x81, value)


def _int(value: int) -> bytes:
    return struct.pack(">Bb", 0x54, value) if -128 <= value < 128 else struct.pack(">Bi", 0x71, value)


def _uint(value: int) -> bytes:
    if value == 0:
        return b"\x43"
    return bytes((0x52, value)) if 0 < value < 256 else _UINT(0x70, value)


def _ulong(value: int) -> bytes:
    if value == 0:
        return b"\x44"
    return bytes((0x53, value)) if 0 < value < 256 else _ULONG(0x80, value)


def _decimal(value: Decimal) -> bytes:
    if len(value) not in _DECIMALS:
        raise CodecError("a decimal has 4, 8 or 16 bytes")
    return bytes((_DECIMALS[len(value)],)) + value


_DECIMALS = {4: 0x74, 8: 0x84, 16: 0x94}

# The constructor an array is written with, by the type of its elements; one per type, the widest, so that every element fits.
_ARRAY_CODES: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    Symbol: (0xB3, lambda v: struct.pack(">I", len(v)) + v.encode("ascii")),
    str: (0xB1, lambda v: struct.pack(">I", len(v.encode())) + v.encode()),
    bytes: (0xB0, lambda v: struct.pack(">I", len(v)) + v),
    bool: (0x56, lambda v: b"\x01" if v else b"\x00"),
    UByte: (0x50, lambda v: struct.pack(">B", v)),
    UShort: (0x60, lambda v: struct.pack(">H", v)),
    UInt: (0x70, lambda v: struct.pack(">I", v)),
    ULong: (0x80, lambda v: struct.pack(">Q", v)),
    Int: (0x71, lambda v: struct.pack(">i", v)),
    int: (0x81, lambda v: struct.pack(">q", v)),
    float: (0x82, lambda v: struct.pack(">d", v)),
    Timestamp: (0x83, lambda v: struct.pack(">q", v)),
    uuid.UUID: (0x98, lambda v: v.bytes),
}


def _array(value: Array) -> bytes:
    kinds = {type(item) for item in value}
    if len(kinds) > 1 or not kinds <= _ARRAY_CODES.keys():
        raise CodecError("an array holds elements of one simple type")
    if not value:
        return b"\xe0\x02\x00\xa3"
    code, one = _ARRAY_CODES[kinds.pop()]
    body = b"".join(one(item) for item in value)
    return struct.pack(">BIIB", 0xF0, len(body) + 5, len(value), code) + body


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\x40",
    bool: lambda v: b"\x41" if v else b"\x42",
    int: _long,
    UByte: lambda v: struct.pack(">BB", 0x50, v),
    UShort: lambda v: struct.pack(">BH", 0x60, v),
    UInt: _uint,
    ULong: _ulong,
    Byte: lambda v: struct.pack(">Bb", 0x51, v),
    Short: lambda v: struct.pack(">Bh", 0x61, v),
    Int: _int,
    Timestamp: lambda v: _LONG(0x83, v),
    Char: lambda v: _UINT(0x73, v),
    Float: lambda v: struct.pack(">Bf", 0x72, v),
    float: lambda v: struct.pack(">Bd", 0x82, v),
    Decimal: _decimal,
    uuid.UUID: lambda v: b"\x98" + v.bytes,
    bytes: lambda v: _variable(0xA0, 0xB0, v),
    str: lambda v: _variable(0xA1, 0xB1, v.encode()),
    Symbol: lambda v: _variable(0xA3, 0xB3, v.encode("ascii")),
    list: lambda v: _compound(0xC0, 0xD0, [encode(item) for item in v]),
    dict: lambda v: _compound(0xC1, 0xD1, [encode(part) for pair in v.items() for part in pair]),
    Array: _array,
    Described: lambda v: b"\x00" + encode(v.descriptor) + encode(v.value),
}
