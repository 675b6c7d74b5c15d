"""A line that takes a paste whole, however many lines it has, and does not show what may hold a key."""

from __future__ import annotations

import re

from textual.events import Paste
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

_SECRET = re.compile(r"\s*[\"']?(?:[A-Za-z]+=|\{)")  # the beginning of a connection string, or of JSON


class PasteLine(Input):
    """Posts ``Given`` with everything that was pasted, or typed and entered.

    Terminals without bracketed paste type a paste key by key, each line break as Enter: lines that follow one another closely
    belong together.
    """

    PAUSE = 0.3  # seconds after which no further line belongs to a paste that the terminal types
    DEFAULT_CSS = """
    PasteLine { height: 1; border: none; padding: 0 1; background: $panel; &:focus { border: none; } }
    """

    class Given(Message):
        """What was pasted or entered."""

        def __init__(self, line: PasteLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

        @property
        def control(self) -> PasteLine:
            """The line."""
            return self.line

    def __init__(self, placeholder: str = "", *, id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, compact=True, id=id)
        self._lines: list[str] = []
        self._timer: Timer | None = None

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        self._lines += [self.value + event.text] if self.value else [event.text]
        self._clear()
        self._soon()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Hide what begins like a connection string."""
        event.stop()
        self.password = bool(_SECRET.match(event.value)) or bool(self._lines)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line; another may follow at once."""
        event.stop()
        self._lines.append(event.value)
        self._clear()
        self._soon()

    def _clear(self) -> None:
        with self.prevent(Input.Changed):
            self.value = ""

    def _soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.PAUSE, self._submit)

    def _submit(self) -> None:
        if self.value:
            return  # in the middle of a line: its Enter is still to come
        text = "\n".join(self._lines)
        self._lines = []
        self._clear()
        self.password = False
        if text.strip():
            self.post_message(self.Given(self, text))
