"""JSON as devices send it: with stray bytes around it, several values run together, or written as a JSON string once more.

Sources (docs/facts/iot-hub.md): a C client that sends its terminating NUL (Azure/azure-sdk-for-c #2172), objects without a line feed between them
(Azure/iot-edge-opc-publisher #90), RFC 7464's record separators, a buffer sent whole with what an earlier message left in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

# What may stand around a text that is meant for programs: control characters, byte order marks, the BOM read as Windows-1252.
STRAY = "".join(map(chr, range(33))) + "\x7f\ufeff\ufffe"
_TWICE_ENCODED_BOM = "\u00ef\u00bb\u00bf"
_BETWEEN = re.compile(f"[{re.escape(STRAY)},;]*")
_LENIENT = json.JSONDecoder(strict=False)  # control characters within strings
_STRINGS_DEEP = 3


def without_stray(text: str) -> str:
    """Return ``text`` without what a program does not read before and behind it."""
    return text.strip(STRAY).removeprefix(_TWICE_ENCODED_BOM).lstrip(STRAY)


def without_quotes(text: str) -> str:
    """Return what stands in quotes that are not JSON's: of a shell that leaves them, or of Python's ``str(bytes)``; else nothing."""
    start = 2 if text[:1] == "b" else 1
    quote = text[start - 1 : start]
    quoted = quote in ("'", '"') and text[start : start + 1] in ("{", "[") and len(text) > start + 2 and text.endswith(quote)
    return text[start:-1] if quoted else ""


def load(text: str) -> Any:
    """Return the JSON value in ``text``, a list of those that stand one behind another, or the value within a JSON string.

    What follows behind the last whole value is left out, where that value is an object or a list of objects: ``[7] started`` is no
    JSON. Raises ValueError, or RecursionError where it is nested too deeply.
    """
    value = _load(text)
    for _ in range(_STRINGS_DEEP):
        inner = without_stray(value) if isinstance(value, str) else ""
        if not inner.startswith(("{", "[", '"')):
            break
        try:
            value = _load(inner)
        except (ValueError, RecursionError):
            break
    return value


def embedded(value: object) -> Any:
    """Return the object or list that a string holds as JSON; None where it holds none."""
    if not isinstance(value, str) or not value.lstrip(STRAY).startswith(("{", "[")):
        return None
    try:
        return load(without_stray(value))
    except (ValueError, RecursionError):
        return None


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        values = _values(text)
    if not any(map(_tells, values)):
        raise ValueError("no object")
    return values[0] if len(values) == 1 else values


def _values(text: str) -> list[Any]:
    """Return the values that stand one behind another, up to what is none; of strings only one that stands first."""
    values: list[Any] = []
    at = 0
    while text[at : at + 1] in ("{", "[") or (not values and text[at : at + 1] == '"'):
        try:
            value, at = _LENIENT.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return values


def _tells(value: object) -> bool:
    """Return whether a value says enough for what stands behind it to be garbage; a quoted word begins a sentence as well."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return bool(value) if isinstance(value, dict) else embedded(value) is not None
