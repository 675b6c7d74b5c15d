"""Files that the operator names, and the texts in them or on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from services.errors import OperatorError
from services.text import one_line


def from_here(path: str) -> Path:
    """Return a path as a shell means it: ``~`` is the home, and a relative one begins in the working folder."""
    return Path(path).expanduser().absolute()


def read_text(name: str | Path) -> str:
    """Return a file's text; ``-`` is standard input. A byte order mark, as Windows' editors write one, is no part of it.

    Raises OperatorError.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        cause, remedy = error.strerror or str(error), "Check the file's name, and whether you may read it."
    except UnicodeDecodeError as error:
        cause, remedy = f"It is no UTF-8 text: {error.reason} at byte {error.start}.", "Save it as UTF-8."
    label = "Standard input" if name == "-" else one_line(str(name), 200)
    raise OperatorError(f"{label} cannot be read.", cause=one_line(cause), remedy=remedy, code="file.read")
