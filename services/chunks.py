"""Read and write create options as a twin keeps them: one string, or chunks of 512 characters.

The chunks are ``createOptions``, ``createOptions01``, ``createOptions02``…; the edge agent joins what it reads in sorted order,
case-insensitively, and a gap is an error (docs/facts/iot-hub.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from services.text import one_line

CHUNK = 512
_KEY = re.compile(r"createoptions([0-9]{0,4})\Z", re.IGNORECASE)


class ChunkGap(ValueError):
    """A chunk is missing, so that the create options cannot be joined; its text is what can be said of it."""


def is_chunk(key: str) -> bool:
    """Return whether a key of ``settings`` belongs to the create options."""
    return _KEY.match(key) is not None


def join(settings: Mapping[str, Any]) -> str:
    """Return the create options of ``settings``, joined. Null and absent are empty; an object is what other tools write: taken as JSON.

    Raises ChunkGap where a chunk is missing or is no text, or where a key only holds the name: to the agent it is a chunk, and
    the whole deployment is refused (docs/facts/iot-hub.md).
    """
    stray = [key for key in settings if "createoptions" in key.lower() and not is_chunk(key)]
    if stray:
        raise ChunkGap(f"{one_line(stray[0], 60)} is taken for a part of them")
    pieces = sorted((key.lower(), key) for key in settings if is_chunk(key))
    values = [settings[key] for _, key in pieces]
    if not pieces or all(value is None for value in values):
        return ""
    if len(values) == 1 and isinstance(values[0], (dict, list)):
        return json.dumps(values[0], separators=(",", ":"), ensure_ascii=False)
    for place, (lower, key) in enumerate(pieces):
        suffix = lower.removeprefix("createoptions")
        if (int(suffix) if suffix else 0) != place:
            raise ChunkGap(f"the chunk before {key} is missing")
        if not isinstance(settings[key], str):
            raise ChunkGap(f"{key} is no text")
    return "".join(values)


def chunk(text: str) -> dict[str, str]:
    """Return ``text`` as the settings that hold it: whole up to 512 characters, else in chunks.

    Characters are counted as the agent (.NET) counts them, in UTF-16 units, and none is torn apart.
    """
    pieces: list[str] = []
    start = size = 0
    for place, character in enumerate(text):
        width = 2 if ord(character) > 0xFFFF else 1
        if size + width > CHUNK:
            pieces.append(text[start:place])
            start, size = place, 0
        size += width
    pieces.append(text[start:])
    return {f"createOptions{place:02d}" if place else "createOptions": piece for place, piece in enumerate(pieces)}
