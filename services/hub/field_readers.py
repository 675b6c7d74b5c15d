"""Readers of fields that may be missing, of another type, or hostile: each gives a harmless value and never raises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from services.text import clean, one_line


def mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def word(value: Any, limit: int = 512) -> str:
    """Return a short text on one line; empty for null and for what is no text, number or boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value, limit) if isinstance(value, (str, int, float)) else ""


def passage(value: Any, limit: int = 8192) -> str:
    """Return a text of several lines."""
    return clean(value, limit) if isinstance(value, (str, int, float)) else ""


def number(value: Any) -> int | None:
    """Return a whole number, also one written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) < 20 and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
        return int(value.strip())
    return None


def moment(value: Any) -> datetime | None:
    """Return an ISO 8601 time as an aware UTC datetime; None for 0001-01-01 (never) and for what is no time.

    The agent writes seven digits of fractions, which ``datetime.fromisoformat`` of Python 3.10 does not read.
    """
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip().replace("Z", "+00:00").replace("z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.year <= 1:
            return None
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
        return parsed.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
