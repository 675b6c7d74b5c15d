"""Small plots of one line each, in blocks; ASCII where blocks cannot be drawn."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.symbols import is_ascii

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#@"


def spark(values: Sequence[float | None], width: int) -> str:
    """Return ``values`` over time in at most ``width`` cells, scaled to their largest; where nothing is known a space."""
    if not values or width <= 0:
        return ""
    levels = _ASCII if is_ascii() else _BLOCKS
    size = max(-(-len(values) // width), 1)
    cells = [[value for value in values[start : start + size] if value is not None] for start in range(0, len(values), size)]
    peaks = [max(cell) if cell else None for cell in cells]
    most = max((peak for peak in peaks if peak is not None), default=0) or 1
    return "".join(" " if peak is None else levels[max(1 if peak > 0 else 0, round(peak / most * 8))] for peak in peaks)


def bar(share: float, width: int) -> str:
    """Return a share (0..1) as a bar of at most ``width`` cells; squares, for a full block shouts."""
    full = max(min(share, 1.0), 0.0) * width
    return ("#" if is_ascii() else "■") * round(full)
