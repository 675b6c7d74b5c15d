"""Start the console: what Textual reads when it is imported is set here, before that."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from services.errors import OperatorError


def start(options: argparse.Namespace) -> int:
    """Run the console until it is left; gives the exit status. The first frame waits for nothing but Textual."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OperatorError(
            "The console needs a terminal.",
            cause="Standard input or output is not one.",
            remedy="Use the verbs in scripts: dbe-console --help",
            code="console.no-terminal",
        )
    if os.environ.get("TERM", "") in ("dumb", "unknown"):
        raise OperatorError(
            f"This terminal (TERM={os.environ['TERM']}) cannot draw a screen.",
            cause="It cannot move its cursor.",
            remedy="Set TERM to what the terminal is (TERM=vt100 suits most), or work in lines: dbe-console --linear",
            code="console.dumb-terminal",
        )
    _mend_size()
    slow = bool(getattr(options, "slow_link", False))
    # Read at import (docs/facts/textual.md): frames a second, animations, smooth scrolling, the kitty protocol that some terminals half
    # speak, and what writes to the terminal. A key is answered within a frame; what comes by itself is shown a few times a second, so
    # frames cost nothing.
    os.environ.setdefault("TEXTUAL_FPS", "4" if slow else "60")  # SLOW_FPS, FPS
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    os.environ.setdefault("TEXTUAL_DRIVER", "console.terminal.changed_cells:ChangedCellsDriver")

    sys.setswitchinterval(0.001)  # for so long at most (Python's own: 5 ms) the loop waits for a thread that computes
    gc.disable()  # until the first frame: nothing that is imported goes away again
    from console.terminal.leaving import TerminalGuard, leave_soon

    guard = TerminalGuard()
    lab = None
    if options.lab:
        from console.lab.process import LabProcess

        lab = LabProcess()
    try:
        from console.terminal.charset import configure_keyboard
        from console.tui.app import ConsoleApp

        configure_keyboard()

        app = ConsoleApp(
            context=getattr(options, "context", None), read_only=bool(getattr(options, "read_only", False)), lab=lab, slow=slow
        )
        guard.wait_until_ready()
        try:
            app.run(mouse=False)
        finally:
            guard.dismiss()
            leave_soon(status=app.return_code or 0)
            app.end()
        return app.return_code or 0
    finally:
        guard.dismiss()
        if lab is not None:
            lab.close()


def _mend_size() -> None:
    """Give a terminal without a size (a serial line, a pty nobody set) 80×24: Textual would draw for ever in it."""
    import fcntl
    import struct
    import termios

    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if not (columns and lines):
        fcntl.ioctl(sys.stdout.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", lines or 24, columns or 80, 0, 0))
