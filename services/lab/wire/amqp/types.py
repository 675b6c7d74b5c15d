"""AMQP 1.0 types that Python has no own name for (OASIS amqp-core-types-v1.0, section 1.6).

Plain ``int`` means ``long``, ``str`` string, ``bytes`` binary, ``float`` double, ``list`` list, ``dict`` map, ``uuid.UUID`` uuid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class CodecError(Exception):
    """Bytes that are no AMQP 1.0: answered by closing the connection with ``amqp:decode-error``."""


class UByte(int):
    """0 to 255."""


class UShort(int):
    """0 to 65,535."""


class UInt(int):
    """0 to 4,294,967,295."""


class ULong(int):
    """0 to 2**64-1."""


class Byte(int):
    """-128 to 127."""


class Short(int):
    """-32,768 to 32,767."""


class Int(int):
    """-2**31 to 2**31-1."""


class Timestamp(int):
    """Milliseconds since 1970 in UTC."""


class Char(int):
    """One Unicode code point."""


class Float(float):
    """32 bits wide."""


class Decimal(bytes):
    """A decimal32, decimal64 or decimal128, kept as its 4, 8 or 16 bytes: the lab computes with none."""


class Symbol(str):
    """An ASCII name from a constrained domain."""


class Array(list[Any]):
    """Elements of one type, written with one constructor."""


@dataclass(frozen=True)
class Described:
    """A value with a descriptor: a ULong code or a Symbol."""

    descriptor: Any
    value: Any
