"""What a reply may need."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes of a reply, packed or not; seconds to wait for any of it, and seconds beyond these until it is whole."""

    bytes: int = 16 * 1024 * 1024
    read_seconds: float = 30.0
    seconds: float = 15.0


DEFAULT_BOUNDS = Bounds()
