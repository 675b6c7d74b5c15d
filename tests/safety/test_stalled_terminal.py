"""A terminal that is read too slowly: the console notices by its own writes, and sends less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_line_that_does_not_keep_up_is_noticed(in_terminal: Callable[..., Any], lab_home: Path):
    console = in_terminal(home=lab_home, size=(160, 50))
    console.until("accel-resnet50")
    for _ in range(3):  # more than the kernel keeps for a terminal (4 KiB) is painted while nobody reads
        console.idle()
        console.stall(0.8)
        console.press("\x0c", "?", "escape", "\x0c")
        console.until("accel-resnet50")
    console.until("The line does not keep up")
    console.press("q")
    assert console.ended() == 0
