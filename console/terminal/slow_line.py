"""Notice a line that does not keep up, and send it less: frames a second, and what is drawn for looks alone.

A write to the terminal that blocks says that what stands between (the kernel's buffer, sshd's window) is full: the line is slower than
what is written. A question to the terminal would say less: tmux answers it itself. Textual reads its frames a second once, at import
(textual 8.2, ``textual/screen.py`` ``UPDATE_PERIOD``).

Upstream: no issue was known in December 2026.
Delete when Textual's frames a second can be changed while it runs.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from textual import screen as textual_screen
from textual.app import App
from textual.message import Message

SLOW_FPS, FPS = 4, 60
_BLOCKED = 0.25  # seconds of one write that are a stall
_STALLS, _SECONDS = 3, 60.0  # so many stalls within so long: no sleep of a laptop, and no terminal that was stopped once


class LineStalls(Message):
    """Writes to the terminal block again and again."""


class TimedFile:
    """The terminal's file; ``on_stalls`` is called from the writing thread where its writes block again and again."""

    def __init__(self, file: TextIO, on_stalls: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._on_stalls, self._clock = file, on_stalls, clock
        self._stalls: deque[float] = deque(maxlen=_STALLS)

    def write(self, text: str) -> int:
        """Write, and measure how long it blocks."""
        return int(self._timed(self._file.write, text))

    def flush(self) -> None:
        """Flush, and measure how long it blocks."""
        self._timed(self._file.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _timed(self, call: Callable[..., Any], *arguments: Any) -> Any:
        begun = self._clock()
        try:
            return call(*arguments)
        finally:
            now = self._clock()
            if now - begun >= _BLOCKED:
                self._stalls.append(now)
                if len(self._stalls) == _STALLS and now - self._stalls[0] <= _SECONDS:
                    self._stalls.clear()
                    self._on_stalls()


def is_remote() -> bool:
    """Return whether the terminal is at the other end of an SSH connection, as far as the environment says."""
    return any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))


def set_frames(app: App[Any], per_second: int) -> None:
    """Draw at most so many frames a second from here on."""
    textual_screen.UPDATE_PERIOD = 1 / per_second  # type: ignore[misc]  # of screens to come
    for screen in app.screen_stack:
        screen._update_timer._interval = 1 / per_second
