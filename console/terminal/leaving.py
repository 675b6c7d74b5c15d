"""Leaving when told from outside, by a signal, a lost line or a closed terminal: the terminal is restored, children end, soon.

The children end by themselves when the console does, however it does: the lab and the workspace's process when their standard
input closes, the recorder when nobody else holds the consoles' lock.

Textual restores no terminal at SIGTERM or SIGHUP, and a closed one spins (docs/facts/textual.md, "What will bite").
Upstream: Textualize/textual#5140 (open) asks for both signals; #4070 says that nothing can be done about SIGKILL.
Delete when Textual restores the terminal at these signals and ends with a closed one; the guard for ``kill -9`` stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from services.contexts.children import environment

# A terminal that takes no more bytes holds up Textual's last frame for ever (docs/facts/textual.md), a service that hangs its own end:
# then the console leaves without.
AT_THE_LATEST = 8.0
_GUARD_SECONDS = 1.0

# What Textual's driver turns on (docs/facts/textual.md), turned off: alternate screen, hidden cursor, no wrapping, reports, mouse, colours.
_RESET = (
    "".join(f"\\033[?{mode}" for mode in ["1049l", "25h", "7h", "1004l", "2004l", "1000l", "1002l", "1003l", "1006l", "2048l"])
    + "\\033[0m"
)
# A line on its standard input says that the console left in order; the end of it alone, that it is gone. A terminal that takes no more
# bytes must not keep it.
_GUARD = f"""
trap '' HUP INT QUIT TERM
exec 3>&2 2>/dev/null 4<&1
modes=$(stty -g <&4)
echo ready >&3
exec 3>&-
read -r _ && exit
{{ printf '{_RESET}\\r\\ndbe-console ended without the time to leave this screen. What was recorded is kept.\\r\\n'
stty "$modes" <&4; }} &
sleep 2
kill -9 $!
"""


class TerminalGuard:
    """A shell that waits beside the console, and gives the terminal back where a crash or a kill left no time to."""

    def __init__(self) -> None:
        """Start it while the terminal still is as the shell had it."""
        self._process: subprocess.Popen[str] | None = None
        with contextlib.suppress(OSError):  # a machine that has no sh: reset(1) helps there
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(),
                start_new_session=True,  # not among those whom the terminal's keys and a job's end reach
            )

    def wait_until_ready(self) -> None:
        """Return when it knows how the terminal was, or is not to be waited for."""
        if self._process is not None and self._process.stderr is not None:
            select.select([self._process.stderr], [], [], _GUARD_SECONDS)
            self._process.stderr.close()

    def dismiss(self) -> None:
        """Let it end: the terminal has been given back."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
                self._process.stdin.write("\n")
                self._process.stdin.close()
                self._process.wait(_GUARD_SECONDS)
            self._process = None


def leave_when_told(exit: Callable[[], object]) -> None:
    """Call ``exit`` in the running loop when the line is lost or a signal says so, and end the process soon after at any rate.

    Plain handlers, not the loop's: they run even while the loop waits for a terminal that takes no bytes.
    """
    loop = asyncio.get_running_loop()
    before = _terminal()

    def leave() -> None:
        leave_soon(before)
        loop.call_soon_threadsafe(exit)

    def handle_signal(number: int, frame: FrameType | None) -> None:
        # A lost line comes with a SIGCONT, after which Textual would enter the terminal again.
        signal.signal(signal.SIGCONT, lambda number, frame: None)
        leave()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle_signal)
    if before is not None:
        threading.Thread(target=_wait_for_hangup, args=(leave,), daemon=True, name="hangup").start()


def leave_soon(attributes: list[Any] | None = None, status: int = 1) -> None:
    """End the process with ``status`` some seconds from now, if it has not ended by then; the terminal gets ``attributes``."""
    timer = threading.Timer(AT_THE_LATEST, _end, (attributes, status))
    timer.daemon = True
    timer.start()


def _wait_for_hangup(leave: Callable[[], None]) -> None:
    """Call ``leave`` when the terminal closes: under nohup, or in a session of its own, no signal says so."""
    poll = select.poll()
    poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)  # hang-ups and errors are always told
    poll.poll()
    try:
        leave()
    except RuntimeError:
        return  # the loop has ended: the console is leaving anyway


def _terminal() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _end(attributes: list[Any] | None, status: int) -> None:
    if attributes is not None:
        try:
            termios.tcsetattr(0, termios.TCSANOW, attributes)
        except termios.error:
            attributes = None  # it is gone
    os._exit(status)
