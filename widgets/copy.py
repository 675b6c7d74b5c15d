"""Text that somebody wants to have outside the console."""

from __future__ import annotations

from textual.message import Message


class Copy(Message):
    """Ask the app to offer ``text`` to the terminal's clipboard; ``subject`` names it in the answer, ``note`` follows.

    ``keep`` is whether a private file holds it, too: a one-time code is worth nothing there.
    """

    def __init__(self, text: str, subject: str, *, note: str = "", keep: bool = True) -> None:
        super().__init__()
        self.text = text
        self.subject = subject
        self.note = note
        self.keep = keep
