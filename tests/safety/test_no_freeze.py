"""On a real terminal: nothing that is typed or pasted keeps the console from its next key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("expression", [r"/(\w+,?)+!!/", r"/((.|.)*)*!!!/"])
def test_a_search_in_a_log_can_always_be_left(
    in_terminal: Callable[..., Any], lab: dict[str, Any], lab_home: Any, expression: str
) -> None:
    terminal = in_terminal(home=lab_home, size=(120, 36))
    terminal.until("accel-resnet50")
    terminal.press("2")
    terminal.until("l Logs")
    terminal.press("g", "l")
    terminal.until("following")
    terminal.press("/", *expression)
    terminal.until("0 match", seconds=20)
    terminal.press("escape")
    terminal.until(lambda text: "0 match" not in text, seconds=20)
    terminal.press("escape")
    terminal.until("l Logs")
    terminal.press("q")
    assert terminal.ended(20) == 0
