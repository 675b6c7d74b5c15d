"""After a stop, and on Ctrl+L, the whole screen is painted: the terminal was somebody else's meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest


def stopped(terminal: Any) -> None:
    """Wait until it stands still."""
    os.waitpid(terminal.process.pid, os.WUNTRACED)


def wipe(terminal: Any) -> None:
    """What a shell, or the system, leaves of the screen."""
    terminal.idle(0.2)
    with terminal._lock:
        terminal.screen.erase_in_display(2)


def suspend(terminal: Any) -> None:
    terminal.process.send_signal(signal.SIGTSTP)
    stopped(terminal)
    wipe(terminal)
    terminal.process.send_signal(signal.SIGCONT)


def freeze(terminal: Any) -> None:
    terminal.process.send_signal(signal.SIGSTOP)
    stopped(terminal)
    wipe(terminal)
    terminal.process.send_signal(signal.SIGCONT)


def to_the_shell(terminal: Any) -> None:
    terminal.press("\x1a")
    stopped(terminal)
    wipe(terminal)
    terminal.process.send_signal(signal.SIGCONT)


def paint(terminal: Any) -> None:
    wipe(terminal)
    terminal.press("\x0c")


WAYS = [suspend, freeze, paint]


@pytest.mark.parametrize("arguments", [(), ("--slow-link",)], ids=["", "slow"])
@pytest.mark.parametrize("way", WAYS)
def test_a_dialog_and_what_lies_behind_it(
    in_terminal: Callable[..., Any], way: Callable[[Any], None], arguments: Sequence[str]
) -> None:
    terminal = in_terminal(*arguments)
    terminal.until("Welcome")
    terminal.idle()
    before = terminal.text()
    for _ in range(2):
        way(terminal)
        terminal.until(lambda text: text == before, 20)


def test_the_panes_the_banner_and_every_screen(in_terminal: Callable[..., Any], lab: dict[str, Any], lab_home: Any) -> None:
    terminal = in_terminal(home=lab_home)
    terminal.until("accel-resnet50")
    terminal.press("2")
    terminal.until("edgeHub")

    def frame() -> tuple[str, list[str]]:
        lines = terminal.text().split("\n")
        return lines[0], [line[:12] for line in lines if line.startswith(("─", "│ ", "╭", "┌"))]

    terminal.idle()
    before = frame()
    assert "LAB" in terminal.text()
    for way in (to_the_shell, *WAYS):
        way(terminal)
        terminal.until(lambda text: frame() == before and "LAB" in text and "edgeHub" in text, 20)
    for key, title in (("?", "Help"), (":", "")):
        terminal.press(key)
        if title:
            terminal.until(title)
        terminal.idle()
        before_text = terminal.text()
        paint(terminal)
        terminal.until(lambda text, wanted=before_text: len(text) > len(wanted) * 0.9, 20)
        terminal.press("escape")
        terminal.idle()
