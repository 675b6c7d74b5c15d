"""Lines of a log: level by sign and colour, search, times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells

from services.times import clock, clock_with_milliseconds
from widgets.lines import Cells, Lines, fit

if TYPE_CHECKING:
    from services.records import LogLine
    from widgets.symbols import Role

_WIDE = 100  # columns, from which on times have milliseconds
MOST = 20_000
MOST_CHARACTERS = 16_000_000
_WRAPPED = 4_096  # characters of a line that are wrapped: Enter shows more of it

Search = Callable[[str], "tuple[int, int] | None"]  # where in a text the first match stands; in bounded time


def _sign(level: int) -> tuple[str, Role]:
    if level <= 3:
        return "✗ ", "bad"
    if level == 4:
        return "! ", "warn"
    return "  ", "dim" if level >= 7 else "plain"


def _wrap_pieces(text: str, width: int) -> Iterator[str]:
    """Cut ``text`` into pieces of at most ``width`` cells, after a space where there is one. textwrap takes the square of a line's length."""
    if cell_len(text) != len(text):
        yield from chop_cells(text, width)
        return
    start = 0
    while len(text) - start > width:
        space = text.rfind(" ", start, start + width)
        end = space + 1 if space > start else start + width
        yield text[start:end]
        start = end
    yield text[start:]


class LogView(Lines):
    """A log's lines; the newest stays in view while the cursor is on it."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.lines: list[LogLine] = []
        self.times = True
        self.search: Search | None = None
        self.wrapped = False
        self._characters = 0
        self._pieces: list[tuple[int, str]] = []  # of wrapped lines: which line, and the piece of it
        self._modules: set[str] = set()  # whose lines these are, where they are of several

    @property
    def current(self) -> LogLine | None:
        """The line under the cursor."""
        return self.lines[self._line(self.index)] if self.lines else None

    def row_count(self) -> int:
        """Return how many rows: of wrapped lines more than lines."""
        return len(self._pieces) if self.wrapped else len(self.lines)

    def row_key(self, index: int) -> object:
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
            width = max(self.size.width - self._prefix_width() - 1, 20)
            self._pieces = [
                (number, piece)
                for number, line in enumerate(self.lines)
                for piece in _wrap_pieces(_tabless(line.text, _WRAPPED), width)
            ]
        super().forget()

    def _prefix_width(self) -> int:
        """Return the cells before the text."""
        return 2 + (self._time_width() + 1 if self.times else 0) + (self._module_width() + 1 if self._modules else 0)

    def _module_width(self) -> int:
        """Return the cells of a module's name."""
        return min(max(map(cell_len, self._modules)), 24 if self.size.width >= _WIDE else 12)

    def _time_width(self) -> int:
        """Return the cells of a time: milliseconds where there is room."""
        return 12 if self.size.width >= _WIDE else 8

    def wrap(self, on: bool) -> None:
        """Show long lines over several rows, or cut; the cursor stays on its line."""
        line = self._line(self.index) if self.lines else 0
        self.wrapped = on
        self.forget()
        self.move_to(self._row(line))

    def clear(self) -> None:
        self.lines = []
        self._modules = set()
        self._characters = 0
        self.index = 0
        self.forget()

    def add(self, lines: Sequence[LogLine]) -> None:
        """Add lines; the oldest go where there are too many of them, or of characters."""
        at_end = self.index >= self.row_count() - 1
        self.lines += lines
        self._modules |= {line.module for line in lines if line.module}
        self._characters += sum(len(line.text) for line in lines)
        surplus = max(len(self.lines) - MOST, 0)
        for line in self.lines[:surplus]:
            self._characters -= len(line.text)
        while self._characters > MOST_CHARACTERS and surplus < len(self.lines) - 1:
            self._characters -= len(self.lines[surplus].text)
            surplus += 1
        if surplus:
            del self.lines[:surplus]
            self.index = max(self.index - surplus, 0)  # of wrapped lines a little off: nobody follows that far back
        self.forget()
        if at_end:
            self.move_to(self.row_count() - 1)

    def mark(self, search: Search | None) -> None:
        """Mark what ``search`` finds in the lines that are seen."""
        self.search = search
        self.forget()

    def search_order(self, up: bool = True) -> list[int]:
        """Return the lines' places in the order of a search: up from the cursor, then from the end; or down, then from the top."""
        here = self._line(self.index) if self.lines else 0
        if not up:
            return [*range(here + 1, len(self.lines)), *range(here + 1)]
        return [*range(here - 1, -1, -1), *range(len(self.lines) - 1, here - 1, -1)]

    def move_to_line(self, line: int) -> None:
        """Put the cursor on a line."""
        self.move_to(self._row(line))

    def cells(self, index: int, width: int) -> Cells:
        """Time, level, text with what was searched for marked."""
        line = self.lines[self._line(index)]
        sign, role = _sign(line.level)
        first = not self.wrapped or index == 0 or self._pieces[index - 1][0] != self._pieces[index][0]
        cells: list[tuple[str, Role]] = [(sign if first else "  ", role)]
        room = width - 2
        if self.times and (line.time is not None or self.wrapped or self._modules):
            size = self._time_width()
            time_text = (clock if size == 8 else clock_with_milliseconds)(line.time) if line.time and first else ""
            cells.append((f"{time_text:<{size}} ", "dim"))
            room -= size + 1
        if self._modules:
            size = self._module_width()
            cells.append((fit(line.module if first else "", size) + " ", "accent"))
            room -= size + 1
        text = fit(self._pieces[index][1] if self.wrapped else _tabless(line.text, width * 4), room)
        match = self.search(text) if self.search else None
        if match is None:
            cells.append((text, role))
        else:
            start, end = match
            cells += [(text[:start], role), (text[start:end], "accent"), (text[end:], role)]
        return cells


def _tabless(text: str, limit: int) -> str:
    """Return at most the first ``limit`` characters: of a huge line no more is drawn than a row can show."""
    return (text[:limit] + "…" if len(text) > limit else text).replace("\t", "    ")
