"""Readers of fields that may be missing, of another type, or hostile: each gives a harmless value and never raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.text import clean, one_line
from services.times import moment as moment  # read like the others


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
