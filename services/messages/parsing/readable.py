"""Rows of the journal whose values are of other types than the recorder writes: each is read for what it is worth.

SQLite keeps a text in a column of integers as the text that it is. A console before version 2 of the journal wrote what the service
sent, whatever that was; and a disk may change anything.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from services.messages.start import LATEST_TIME

# The columns of ``parse.COLUMNS``: name, type, whether it may be missing.
_COLUMNS: tuple[tuple[str, type, bool], ...] = (
    ("row", int, False), ("partition", str, False), ("sequence number", int, False), ("offset", str, True),
    ("enqueued time", int, False), ("device", str, False), ("module", str, False), ("kind", int, False), ("text", bytes, True),
    ("body", bytes, False), ("size", int, False), ("text size", int, False), ("milliseconds", float, True),
    ("confidence", float, True), ("class", str, True), ("properties", str, True), ("system properties", str, True),
    ("content type", str, False), ("content encoding", str, False), ("sender", str, False), ("mark", int, False),
)  # fmt: skip
_KIND, _ENQUEUED = 7, 4
_NUMBERS = (12, 13)
_BINARY = 6


def as_written(raw: tuple[Any, ...]) -> bool:
    """Return whether a row has the types and ranges that the recorder writes."""
    milliseconds, confidence = raw[12], raw[13]
    return (
        _has_types(tuple(map(type, raw)))
        and 0 <= raw[_KIND] <= _BINARY
        and abs(raw[_ENQUEUED]) <= LATEST_TIME
        and (milliseconds is None or isfinite(milliseconds))
        and (confidence is None or isfinite(confidence))
    )


@lru_cache(maxsize=256)
def _has_types(types: tuple[type, ...]) -> bool:
    return all(
        kind is expected_type or (missing and kind is type(None))
        for kind, (_, expected_type, missing) in zip(types, _COLUMNS, strict=True)
    )


def readable(raw: tuple[Any, ...], unreadable: list[str]) -> tuple[Any, ...]:
    """Return the row with the types that the recorder writes; the names of what was of another are added to ``unreadable``."""
    values = list(raw)
    for index, (name, kind, missing) in enumerate(_COLUMNS):
        value = values[index]
        if type(value) is kind or (value is None and missing):
            continue
        values[index] = _converted(value, kind, missing)
        unreadable.append(name)
    for index in _NUMBERS:
        if values[index] is not None and not isfinite(values[index]):
            values[index] = None
    if not 0 <= values[_KIND] <= _BINARY:
        values[_KIND] = _BINARY
        unreadable.append("kind")
    if abs(values[_ENQUEUED]) > LATEST_TIME:
        unreadable.append("enqueued time")
    return tuple(values)


def _converted(value: Any, kind: type, missing: bool) -> Any:
    if kind is int:
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        try:
            return int(text)
        except (TypeError, ValueError, OverflowError):
            return 0
    if kind is float:
        return float(value) if isinstance(value, int) else None
    text = "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace") if kind is bytes else text
