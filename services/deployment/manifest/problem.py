"""A problem of a manifest, and what several of its checks share."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.chunks import is_chunk
from services.text import one_line


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """``place`` names the module and field; an error forbids applying, a warning does not."""

    place: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str = ""


def misspelt_keys(place: str, fields: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[ManifestProblem]:
    """Warn of keys that are most likely misspelt; others are somebody's own, and the runtime passes over them."""
    present = {str(key).lower() for key in fields}
    for key in map(str, fields):
        if key.lower() in map(str.lower, names) or is_chunk(key):
            continue
        for name in difflib.get_close_matches(key, names, 1, 0.8):
            remedy = f"Delete it: {name} is there already." if name.lower() in present else f"Did you mean {name}?"
            yield ManifestProblem(f"{place}.{one_line(key, 60)}", "warning", "is no key that the runtime reads", remedy)
