"""The one reader of JSON from outside: what it returns can be walked, compared and written again, and it fails in one way only.

Python's own reader lets NaN and Infinity pass, makes infinity of 1e999, integers that overflow every float, and RecursionError of
what is nested deeply. RFC 8259 section 9 lets a reader set limits to size, depth and numbers; these are beyond what hub, workspace,
registry and device may send (a twin has at most ten levels and 32 KB, docs/facts/iot-hub.md).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64  # Json.NET's own limit, with which hub and edge agent read
_DIGITS = 300  # of an integer that still fits a float
# Strings are matched whole, an unfinished one to the end, so that the scan is linear whatever the text is.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
# What may be out of range: a float overflows with 309 digits and exponent together.
_UNUSUAL_NUMBER = re.compile(r"(?<!\d)\d{200}|\d[eE]\+?\d{3}|NaN|Infinity")


class JsonError(ValueError):
    """A text that is no JSON within the limits. Its text is a sentence for the operator and quotes nothing."""


def read_json(text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value of a JSON text. Raises JsonError, a ValueError, and nothing else.

    ``max_bytes`` counts characters where ``text`` is a string. Bytes are UTF-8, with or without a byte order mark.
    """
    if len(text) > max_bytes:
        raise JsonError(f"It is larger than {max_bytes:,} bytes.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise JsonError(f"It is no UTF-8 at byte {error.start:,}.") from None
    if _is_deeper(text, max_depth):
        raise JsonError(f"It is nested deeper than {max_depth} levels.")
    try:
        # The hooks cost a call for each number: only where there may be one that they refuse.
        return _STRICT.decode(text) if _UNUSUAL_NUMBER.search(text) else json.loads(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"It is no JSON at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:  # the interpreter's limit is lower where the stack is deep already
        raise JsonError("It is nested too deeply.") from None


def _is_deeper(text: str, limit: int) -> bool:
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("[", "{"):
            depth += 1
            if depth > limit:
                return True
        elif token in ("]", "}"):
            depth -= 1
    return False


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise JsonError(f"It holds a number of more than {_DIGITS} digits.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise JsonError("It holds a number that is out of range.")
    return value


def _constant(name: str) -> float:
    raise JsonError(f"It holds {name}, which is no JSON.")


_STRICT = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)
