"""Faults of the console itself: written down for its makers in a private file, said in one sentence on the terminal.

Local variables are never written: keys and tokens are among them. Messages and source lines are masked. Textual ends an app at
an unhandled exception with a traceback that shows local variables (``textual/app.py``, ``App._fatal_error``).

Upstream: no issue was known in December 2026; others override ``_fatal_error``, too (swiss-ai/model-launch#42).
Delete when Textual lets an app report its own crash.
"""

from __future__ import annotations

import traceback
from datetime import datetime, timezone
from pathlib import Path

from services.contexts.paths import state_folder
from services.errors import OperatorError
from services.files import FileError, open_private, private_folder
from services.masking import mask
from services.text import clean


def write_down(fault: BaseException) -> OperatorError:
    """Keep the fault's traceback in ``state_folder()/console.log`` (0600); return what to tell the operator."""
    return write_text(type(fault).__name__, "".join(traceback.format_exception(type(fault), fault, fault.__traceback__)))


def write_text(name: str, text: str) -> OperatorError:
    """Write down a fault of which only the text is available; return what to tell the operator."""
    try:
        path: Path | None = _append(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC\n{mask(clean(text))}\n")
    except (FileError, OSError):
        path = None  # a full or closed disk: the sentence is all there is
    return OperatorError(
        f"The console itself failed at this ({name}).",
        cause="This is a fault of dbe-console, not of the device.",
        remedy=f"Please send {path} to its makers." if path else "There is no writable state folder to write it down in.",
        code="console.fault",
    )


def _append(text: str) -> Path:
    path = private_folder(state_folder()) / "console.log"
    with open_private(path) as file:
        file.write(text)
    return path
