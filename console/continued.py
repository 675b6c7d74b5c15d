"""Going on after a stop that was not announced by SIGTSTP, as Ctrl+Z is: ``kill -STOP``, a debugger, a job control of its own.

Textual enters the terminal with every SIGCONT; where it had not left it, it would read and write it twice over from then on, lose
every other key, and never end (textual 8.2).
"""

from __future__ import annotations

import os
import signal
from types import FrameType

from textual.driver import Driver


def enter_once(driver: Driver | None) -> None:
    """Leave the terminal before it is entered again, where that has not been done."""
    stop, enter = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if driver is None or not (callable(stop) and callable(enter)):
        return  # nothing is stopped
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
        finally:
            entering = False

    signal.signal(signal.SIGTSTP, stopping)
    signal.signal(signal.SIGCONT, continued)
