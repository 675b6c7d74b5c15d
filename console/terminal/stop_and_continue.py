"""Continue after a stop: the terminal is entered once, and the whole screen painted anew.

Textual enters the terminal with every SIGCONT; where it had not left it, as after a stop that was not announced by SIGTSTP
(``kill -STOP``, a debugger), it would read and write it twice over from then on, lose every other key, and never end. And it sends
itself a Resize of the size that it has, which repaints nothing: the terminal was somebody else's meanwhile, and shows nothing of
ours (textual 8.2, ``textual/app.py`` ``_on_resize``, ``textual/drivers/linux_driver.py`` ``start_application_mode``).

Upstream: Textualize/textual#1582 and #6298 (both open), #5528 for the screen that is not drawn after App.suspend.
Delete when Textual enters the terminal once after SIGCONT and then paints the whole screen.
"""

from __future__ import annotations

import asyncio
import os
import signal
from types import FrameType
from typing import Any

from textual.app import App

_CLEAR = "\x1b[2J"


def paint_anew(app: App[Any]) -> None:
    """Paint the whole screen, whatever the terminal shows now: another program, or the system, may have written there."""
    if app._driver is not None:
        app._driver.write(_CLEAR)
    app.refresh(layout=True)


def go_on_after_stops(app: App[Any]) -> None:
    """Leave the terminal before it is entered again, where that has not been done, and paint the screen after every stop."""
    driver = app._driver
    stop, enter = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    app.app_resume_signal.subscribe(app, lambda _: paint_anew(app))  # after $EDITOR too, for which nothing is stopped
    if driver is None or not (callable(stop) and callable(enter)):
        return  # nothing is stopped
    loop = asyncio.get_running_loop()
    announced = entering = False

    def stopping(number: int, frame: FrameType | None) -> None:
        nonlocal announced
        announced = True
        stop(number, frame)

    def continued(number: int, frame: FrameType | None) -> None:
        nonlocal announced, entering
        if entering:  # one signal in the midst of another
            return
        entering = True
        try:
            # While another program has the terminal ($EDITOR), Textual enters nothing.
            if not announced and driver._auto_restart and os.isatty(0):
                driver.suspend_application_mode()
            announced = False
            enter(number, frame)
            if driver._auto_restart:
                loop.call_soon_threadsafe(app.call_later, paint_anew, app)
        finally:
            entering = False

    signal.signal(signal.SIGTSTP, stopping)
    signal.signal(signal.SIGCONT, continued)
