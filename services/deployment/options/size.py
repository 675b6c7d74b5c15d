"""Check sizes and shapes as the hub counts them.

32 KB of desired properties, 4,096 bytes a string, ten levels, keys without dot, dollar or space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

DESIRED_AT_MOST = 32 * 1024
STRING_AT_MOST = 4096
DEPTH_AT_MOST = 10
KEY_AT_MOST = 1024
NUMBER_AT_MOST = 2**52  # whole numbers from -2^52 to 2^52 - 1 (Azure's page on device twins, "Tags and properties format")
_BAD_KEY = re.compile(r"[.$\s\x00-\x1f\x7f-\x9f]")


def desired_size(value: Any) -> int:
    """Return the bytes of a twin section: keys and strings in UTF-8, 8 for a number, 4 for a boolean.

    Source: Azure's page on device twins, "Device twin size".
    """
    if isinstance(value, dict):
        return sum(len(str(key).encode("utf-8", "replace")) + desired_size(inner) for key, inner in value.items())
    if isinstance(value, list):
        return sum(map(desired_size, value))
    if isinstance(value, bool):
        return 4
    if isinstance(value, (int, float)):
        return 8
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else 0


def shape_problems(value: Any, place: str = "", depth: int = 1) -> Iterator[tuple[str, str, str]]:
    """Yield (place, message, remedy) for each string too long, key not allowed, and for nesting too deep."""
    if depth > DEPTH_AT_MOST + 1 and isinstance(value, (dict, list)):
        yield place, f"is nested deeper than the {DEPTH_AT_MOST} levels of a twin", "Flatten it."
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{place}.{key}" if place else str(key)
            if _BAD_KEY.search(str(key)):
                yield here, "a twin's key must hold no dot, dollar, space or control character", "Rename it."
            elif len(str(key).encode("utf-8", "replace")) > KEY_AT_MOST:
                yield place, f"a key is longer than {KEY_AT_MOST} bytes", "Shorten it."
            yield from shape_problems(inner, here, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from shape_problems(inner, f"{place}[{index}]", depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool) and not -NUMBER_AT_MOST <= value < NUMBER_AT_MOST:
        yield place, f"{str(value)[:40]} is beyond the whole numbers of a twin", "Write it as a text, in quotes."
    elif isinstance(value, str) and (size := len(value.encode("utf-8", "replace"))) > STRING_AT_MOST:
        yield place, f"is {size} bytes long, a twin's string at most {STRING_AT_MOST}", "Shorten it."
