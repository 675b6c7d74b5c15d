"""What tests with Textual's Pilot share: to wait for something, and to read the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

Found = TypeVar("Found")


def text_of(app: Any) -> str:
    """The screen as text, a line for each row."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


async def until(pilot: Any, met: Callable[[], Found], what: str = "it", seconds: float = 120) -> Found:
    """Wait for something to be so; gives what ``met`` found."""
    end = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < end, f"never: {what}; on {pilot.app.screen}:\n{text_of(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.02)
    return found
