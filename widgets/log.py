"""Lines of a log: level by sign and colour, search, times."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from widgets.lines import Cells, Lines, fit
from widgets.signs import Role
from widgets.when import clock, clock_with_milliseconds

_WIDE = 100  # columns, from which on times have milliseconds
MOST = 20_000


class LogLine(Protocol):
    """A line; ``level`` is syslog's, 0 the worst."""

    @property
    def text(self) -> str:
        """The line itself."""

    @property
    def level(self) -> int:
        """Syslog's level."""

    @property
    def time(self) -> datetime | None:
        """When it was written."""


def _sign(level: int) -> tuple[str, Role]:
    if level <= 3:
        return "✗ ", "bad"
    if level == 4:
        return "! ", "warn"
    return "  ", "dim" if level >= 7 else "plain"


class LogView(Lines):
    """A log's lines; the newest stays in view while the cursor is on it."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.lines: list[LogLine] = []
        self.times = True
        self.wanted: re.Pattern[str] | None = None
        self.found = 0
        self.wrapped = False
        self._pieces: list[tuple[int, str]] = []  # of wrapped lines: which line, and the piece of it

    @property
    def current(self) -> LogLine | None:
        """The line under the cursor."""
        return self.lines[self._line(self.index)] if self.lines else None

    def row_count(self) -> int:
        """How many rows: of wrapped lines more than lines."""
        return len(self._pieces) if self.wrapped else len(self.lines)

    def row_key(self, index: int) -> object:
        """The place: rows are drawn anew whenever lines come or the search changes."""
        return index, self.times

    def _line(self, row: int) -> int:
        return self._pieces[row][0] if self.wrapped else row

    def _row(self, line: int) -> int:
        if not self.wrapped:
            return line
        return next((row for row, (number, _) in enumerate(self._pieces) if number == line), 0)

    def forget(self) -> None:
        """Draw anew; wrapped lines are cut to the width anew."""
        if self.wrapped:
            width = max(self.size.width - self._left() - 1, 20)
            self._pieces = [
                (number, piece)
                for number, line in enumerate(self.lines)
                for piece in textwrap.wrap(line.text.replace("\t", "    "), width, drop_whitespace=False) or [""]
            ]
        super().forget()

    def _left(self) -> int:
        """Cells before the text."""
        return 2 + (self._time_width() + 1 if self.times else 0)

    def _time_width(self) -> int:
        """Cells of a time: milliseconds where there is room."""
        return 12 if self.size.width >= _WIDE else 8

    def wrap(self, on: bool) -> None:
        """Long lines over several rows, or cut; the cursor stays on its line."""
        line = self._line(self.index) if self.lines else 0
        self.wrapped = on
        self.forget()
        self.move_to(self._row(line))

    def clear(self) -> None:
        """No lines."""
        self.lines = []
        self.index = 0
        self.forget()

    def add(self, lines: Sequence[LogLine]) -> None:
        """More lines."""
        at_end = self.index >= self.row_count() - 1
        self.lines += lines
        surplus = len(self.lines) - MOST
        if surplus > 0:
            del self.lines[:surplus]
            self.index = max(self.index - surplus, 0)  # of wrapped lines a little off: nobody follows that far back
        if self.wanted is not None:
            self.found = sum(bool(self.wanted.search(line.text)) for line in self.lines)
        self.forget()
        if at_end:
            self.move_to(self.row_count() - 1)

    def search(self, text: str) -> None:
        """Mark lines in which ``text`` (or ``/regular expression/``) occurs; an unfinished expression is taken as text."""
        self.wanted = None
        if text:
            body = text[1:].removesuffix("/") if text.startswith("/") and len(text) > 1 else re.escape(text)
            try:
                self.wanted = re.compile(body, re.IGNORECASE)
            except re.error:
                self.wanted = re.compile(re.escape(text), re.IGNORECASE)
        self.found = sum(bool(self.wanted.search(line.text)) for line in self.lines) if self.wanted else 0
        self.forget()

    def next_match(self) -> None:
        """The newest line that matches, above the cursor or from the end."""
        if self.wanted is None or not self.lines:
            return
        here = self._line(self.index)
        order = [*range(here - 1, -1, -1), *range(len(self.lines) - 1, here - 1, -1)]
        place = next((index for index in order if self.wanted.search(self.lines[index].text)), None)
        if place is not None:
            self.move_to(self._row(place))

    def cells(self, index: int, width: int) -> Cells:
        """Time, level, text with what was searched for marked."""
        line = self.lines[self._line(index)]
        sign, role = _sign(line.level)
        first = not self.wrapped or index == 0 or self._pieces[index - 1][0] != self._pieces[index][0]
        cells: list[tuple[str, Role]] = [(sign if first else "  ", role)]
        left = width - 2
        if self.times and (line.time is not None or self.wrapped):
            size = self._time_width()
            shown = (clock if size == 8 else clock_with_milliseconds)(line.time) if line.time and first else ""
            cells.append((f"{shown:<{size}} ", "dim"))
            left -= size + 1
        text = fit(self._pieces[index][1] if self.wrapped else line.text.replace("\t", "    "), left)
        match = self.wanted.search(text) if self.wanted else None
        if match is None:
            cells.append((text, role))
        else:
            cells += [(text[: match.start()], role), (text[match.start() : match.end()], "accent"), (text[match.end() :], role)]
        return cells
