"""Numbers as people and programs write them: ``12``, ``0,87``, ``83%``, ``1,234.5 ms``, ``1.234,5 ms``."""

from __future__ import annotations

import re
from math import isfinite
from typing import NamedTuple

_LIMIT = 40
_WRITTEN = re.compile(r"([-+]?)([\d.,]+)(e[-+]?\d+)?\s*(%|[munµμ]?s|m?sec|seconds|milliseconds)?", re.IGNORECASE)
_EITHER = re.compile(r"[1-9]\d{0,2},\d{3}")
_COMMA_IS_POINT = re.compile(r"\d*,\d*|\d{1,3}(\.\d{3})+,\d*")
_COMMAS_GROUP = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")


class Quantity(NamedTuple):
    """A number and the unit written behind it, in small letters; per cents are a share without one."""

    number: float
    unit: str = ""


def quantity(value: object) -> Quantity | None:
    """Return what a JSON number or a text says; None where it is no number, not a finite one, or might be one of two.

    A comma is a decimal point to some and stands between thousands for others: nobody can tell what ``1,234`` is.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    unit = ""
    if isinstance(value, str):
        match = _WRITTEN.fullmatch(value.strip()) if len(value) <= _LIMIT else None
        digits = _with_point(match.group(2)) if match else None
        if match is None or digits is None:
            return None
        value, unit = f"{match.group(1)}{digits}{match.group(3) or ''}", (match.group(4) or "").lower()
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not isfinite(number):
        return None
    return Quantity(number / 100) if unit == "%" else Quantity(number, unit)


def _with_point(digits: str) -> str | None:
    """Return the number's text with a decimal point and nothing between thousands."""
    if "," not in digits:
        return digits
    if _EITHER.fullmatch(digits):
        return None
    if _COMMA_IS_POINT.fullmatch(digits):
        return digits.replace(".", "").replace(",", ".")
    return digits.replace(",", "") if _COMMAS_GROUP.fullmatch(digits) else None
