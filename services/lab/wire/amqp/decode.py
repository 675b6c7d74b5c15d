"""AMQP 1.0 bytes as Python values: lengths and nesting are bounded, so garbage ends in CodecError and never in a hang."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
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

_DEEPEST = 32


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """Return the value at ``at`` and the position after it. Raises CodecError."""
    try:
        return _decode(data, at, 0)
    except (struct.error, IndexError):
        raise CodecError("the bytes end in the middle of a value") from None
    except UnicodeDecodeError as error:
        raise CodecError(f"a string is not in its encoding: {error.reason}") from None


def decode_all(data: bytes) -> list[Any]:
    """Return every value of ``data``, one after the other."""
    values, at = [], 0
    while at < len(data):
        value, at = decode(data, at)
        values.append(value)
    return values


def _decode(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise CodecError("values are nested too deeply")
    code = data[at]
    if code == 0x00:
        descriptor, at = _decode(data, at + 1, depth + 1)
        value, at = _decode(data, at, depth + 1)
        return Described(descriptor, value), at
    return _body(code, data, at + 1, depth)


def _body(code: int, data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if code in _FIXED:
        width, convert = _FIXED[code]
        return convert(_take(data, at, width)), at + width
    if code in _VARIABLE:
        wide, text = _VARIABLE[code]
        length, at = _number(data, at, wide)
        return text(_take(data, at, length)), at + length
    if code in _COMPOUND:
        wide, shape = _COMPOUND[code]
        size, start = _number(data, at, wide)
        end = start + size
        if end > len(data):
            raise CodecError("the bytes end in the middle of a value")
        count, at = _number(data, start, wide)
        # A null in a list takes one byte; elements of an array may take none, so they are bounded on their own.
        if count > size and shape is not Array:
            raise CodecError("more elements than bytes")
        value, at = _array(data, at, count, end, depth) if shape is Array else _elements(data, at, count, end, depth)
        if at != end:
            raise CodecError("a compound value's size is wrong")
        return (_pairs(value) if shape is dict else value), at
    raise CodecError(f"unknown constructor 0x{code:02x}")


def _elements(data: bytes, at: int, count: int, end: int, depth: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(count):
        value, at = _decode(data, at, depth + 1)
        if at > end:
            raise CodecError("an element reaches beyond its compound value")
        values.append(value)
    return values, at


def _array(data: bytes, at: int, count: int, end: int, depth: int) -> tuple[Array, int]:
    if depth >= _DEEPEST:
        raise CodecError("values are nested too deeply")
    code = data[at]
    descriptor = None
    if code == 0x00:
        descriptor, at = _decode(data, at + 1, depth + 1)
        code = data[at]
    at += 1
    # Only elements without bytes (null, true, 0) may be more than the bytes there are, and not without end.
    if count > end - at and (code not in (0x40, 0x41, 0x42, 0x43, 0x44, 0x45) or count > 65_536):
        raise CodecError("more elements than bytes")
    values = Array()
    for _ in range(count):
        value, at = _body(code, data, at, depth + 1)
        values.append(value if descriptor is None else Described(descriptor, value))
    return values, at


def _pairs(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise CodecError("a map has a key without a value")
    try:
        return dict(zip(values[::2], values[1::2], strict=True))
    except TypeError:
        raise CodecError("a map's key is a compound value") from None


def _take(data: bytes, at: int, width: int) -> bytes:
    if at + width > len(data):
        raise CodecError("the bytes end in the middle of a value")
    return bytes(data[at : at + width])


def _number(data: bytes, at: int, wide: bool) -> tuple[int, int]:
    return (int.from_bytes(_take(data, at, 4), "big"), at + 4) if wide else (data[at], at + 1)


def _boolean(raw: bytes) -> bool:
    if raw not in (b"\x00", b"\x01"):
        raise CodecError("a boolean is 0 or 1")
    return raw == b"\x01"


def _unsigned(kind: type[int]) -> Callable[[bytes], int]:
    return lambda raw: kind(int.from_bytes(raw, "big"))


def _signed(kind: type[int]) -> Callable[[bytes], int]:
    return lambda raw: kind(int.from_bytes(raw, "big", signed=True))


_FIXED: dict[int, tuple[int, Callable[[bytes], Any]]] = {
    0x40: (0, lambda _: None),
    0x41: (0, lambda _: True),
    0x42: (0, lambda _: False),
    0x43: (0, lambda _: UInt(0)),
    0x44: (0, lambda _: ULong(0)),
    0x45: (0, lambda _: []),
    0x50: (1, _unsigned(UByte)),
    0x51: (1, _signed(Byte)),
    0x52: (1, _unsigned(UInt)),
    0x53: (1, _unsigned(ULong)),
    0x54: (1, _signed(Int)),
    0x55: (1, _signed(int)),
    0x56: (1, _boolean),
    0x60: (2, _unsigned(UShort)),
    0x61: (2, _signed(Short)),
    0x70: (4, _unsigned(UInt)),
    0x71: (4, _signed(Int)),
    0x72: (4, lambda raw: Float(struct.unpack(">f", raw)[0])),
    0x73: (4, _unsigned(Char)),
    0x74: (4, Decimal),
    0x80: (8, _unsigned(ULong)),
    0x81: (8, _signed(int)),
    0x82: (8, lambda raw: struct.unpack(">d", raw)[0]),
    0x83: (8, _signed(Timestamp)),
    0x84: (8, Decimal),
    0x94: (16, Decimal),
    0x98: (16, lambda raw: uuid.UUID(bytes=raw)),
}

# Constructor: is its length four bytes wide, and what its bytes are.
_VARIABLE: dict[int, tuple[bool, Callable[[bytes], Any]]] = {
    0xA0: (False, bytes),
    0xA1: (False, lambda raw: raw.decode("utf-8")),
    0xA3: (False, lambda raw: Symbol(raw.decode("ascii"))),
    0xB0: (True, bytes),
    0xB1: (True, lambda raw: raw.decode("utf-8")),
    0xB3: (True, lambda raw: Symbol(raw.decode("ascii"))),
}

_COMPOUND: dict[int, tuple[bool, type]] = {
    0xC0: (False, list),
    0xC1: (False, dict),
    0xD0: (True, list),
    0xD1: (True, dict),
    0xE0: (False, Array),
    0xF0: (True, Array),
}
