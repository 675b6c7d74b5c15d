"""Numbers among a verb's arguments: in digits, and within bounds that are said."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

MOST_ROWS = 1_000_000_000  # more than any journal or history holds
MOST_SECONDS = 24 * 3600
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")


def whole_number(first: int, last: int) -> Callable[[str], int]:
    """Return an argparse type for ``first`` to ``last``."""

    def parse(text: str) -> int:
        value = int(text) if _WHOLE.fullmatch(text) else None
        if value is None or not first <= value <= last:
            raise argparse.ArgumentTypeError(f"{_quoted(text)} is no whole number from {first:,} to {last:,}")
        return value

    return parse


def seconds(most: float = MOST_SECONDS) -> Callable[[str], float]:
    """Return an argparse type for a time of more than none, up to ``most`` seconds."""

    def parse(text: str) -> float:
        value = float(text) if _DECIMAL.fullmatch(text) else math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{_quoted(text)} is no number of seconds above 0, up to {most:,.0f}")
        return value

    return parse


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:39]}…")
