"""A driver that sends of each frame the cells that changed since the terminal last had them, and of a style what differs.

Textual draws whole rows, and a new screen twice; over a line of a few kilobytes a second most of that is waiting for what stands there
already. The driver is Textual's ``textual/drivers/linux_driver.py`` (docs/facts/textual.md, "Bytes to the terminal").

Upstream: no issue was known in December 2026.
Delete when Textual itself sends only the cells that changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TextIO, cast

from rich.cells import cell_len
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from console.terminal.slow_line import LineStalls, TimedFile

Cell = tuple[str, str]  # a character and its style: the parameters of the sequence that set it

_TOKEN = re.compile(
    r"\x1b\[(?P<place>\d+;\d+|)H|\x1b\[(?P<style>[\d;]*)m|(?P<text>[^\x1b\r\n]+)|(?P<line>[\r\n])"
    r"|(?P<other>\x1bP.*?\x1b\\|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.?)",
    re.DOTALL,
)
# Modes of the cursor, of keys and of synchronised output, reports and titles: they leave the cells as they are.
_HARMLESS = re.compile(r"\x1b(?:\[\?(?:25|1004|2004|2026|2048)[hl]|\[[0-?]*(?:\$p|[cnqtu])|[\]P].*)", re.DOTALL)
_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})  # underlined, reversed, struck through, overlined
_BRIDGE = 6  # cells that stand between two changes are sent again where moving over them would cost as much


class Cells:
    """What the terminal shows, as far as it is known, and what has to be sent so that it shows what a frame draws."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Cell]] = {}
        self._frame_cursor = (0, 0)  # where the frame has the cursor, row and column from 0
        self._actual: tuple[int, int] | None = None  # where the terminal has it
        self._style = ""
        self._sent_style = ""

    def forget(self) -> None:
        """Forget what the terminal shows, so that everything drawn next is sent."""
        self._rows.clear()
        self._actual = None

    def changes(self, frame: str) -> str:
        """Return the part of ``frame`` that has to be sent."""
        output: list[str] = []
        for token in _TOKEN.finditer(frame):
            kind = token.lastgroup
            if kind == "place":
                row, _, column = token["place"].partition(";")
                self._frame_cursor = (int(row or 1) - 1, int(column or 1) - 1)
            elif kind == "style":
                self._restyle(token["style"])
            elif kind == "text":
                output += self._draw(token["text"])
            elif kind == "line":
                row, column = self._frame_cursor
                self._frame_cursor = (row, 0) if token["line"] == "\r" else (row + 1, column)
            else:
                output += (*self._settle(), token["other"])
                if not _HARMLESS.fullmatch(token["other"]):
                    self.forget()
        output += self._settle()
        return "".join(output)

    def _restyle(self, parameters: str) -> None:
        if parameters in ("", "0"):
            self._style = ""
        else:
            self._style = f"{self._style};{parameters}" if self._style else parameters

    def _draw(self, text: str) -> Iterator[str]:
        row, column = self._frame_cursor
        row_cells = self._rows.setdefault(row, {})
        self._frame_cursor = (row, column + cell_len(text))
        if not text.isascii() and any(cell_len(character) != 1 for character in text):
            # A character of two cells, or of none: sent as it is, and not known afterwards, nor are its neighbours.
            yield from (*self._move(row, column), text)
            self._actual = self._frame_cursor
            for near in range(column - 1, self._frame_cursor[1] + 1):
                row_cells.pop(near, None)
            return
        blank = (" ", _blank_style(self._style))
        cells = [blank if character == " " else (character, self._style) for character in text]
        changed = [place for place, cell in enumerate(cells) if row_cells.get(column + place) != cell]
        for first, last in _spans(changed):
            yield from (*self._move(row, column + first), text[first : last + 1])
            self._actual = (row, column + last + 1)
        row_cells.update(zip(range(column, column + len(cells)), cells, strict=True))

    def _move(self, row: int, column: int) -> Iterator[str]:
        if self._actual != (row, column):
            yield f"\x1b[{row + 1};{column + 1}H"
        if self._sent_style != self._style:
            yield _style_change(self._sent_style, self._style)
            self._sent_style = self._style

    def _settle(self) -> Iterator[str]:
        """Leave the terminal without a style, and the cursor where the frame has it."""
        if self._sent_style:
            yield "\x1b[m"
            self._sent_style = ""
        if self._actual != self._frame_cursor:
            yield f"\x1b[{self._frame_cursor[0] + 1};{self._frame_cursor[1] + 1}H"
            self._actual = self._frame_cursor


class _Style(NamedTuple):
    """The parameters of a style: colours, each as a whole, and the rest."""

    foreground: str
    background: str
    attributes: frozenset[str]


@lru_cache(maxsize=4096)
def _style_of(parameters: str) -> _Style:
    colours, attributes = {"3": "", "4": ""}, set()
    fields = iter(parameters.split(";") if parameters else ())
    for field in fields:
        if field in ("38", "48", "58"):  # 5;N or 2;R;G;B follow
            kind = next(fields, "")
            colour = ";".join((field, kind, *(next(fields, "") for _ in range(1 if kind == "5" else 3))))
            if field == "58":
                attributes.add(colour)
            else:
                colours[field[0]] = colour
        elif (len(field) == 2 and field[0] in "34") or (len(field) == 3 and field.startswith("10")):
            colours["4" if field.startswith("10") else field[0]] = field
        elif len(field) == 2 and field.startswith("9"):
            colours["3"] = field
        else:
            attributes.add(field)
    return _Style(colours["3"], colours["4"], frozenset(attributes))


@lru_cache(maxsize=4096)
def _blank_style(parameters: str) -> str:
    """Return what is seen of a style where nothing is written: its background, unless a line or a reversal shows more of it."""
    style = _style_of(parameters)
    return parameters if style.attributes & _SEEN_ON_BLANKS else style.background


@lru_cache(maxsize=4096)
def _style_change(before: str, after: str) -> str:
    """Return the shorter of two sequences: what differs, or the whole style after a reset."""
    whole = f"\x1b[{'0;' if before and after else ''}{after}m"
    old, new = _style_of(before), _style_of(after)
    if old.attributes - new.attributes:
        return whole
    parts = sorted(new.attributes - old.attributes)
    if old.foreground != new.foreground:
        parts.append(new.foreground or "39")
    if old.background != new.background:
        parts.append(new.background or "49")
    return min(f"\x1b[{';'.join(parts)}m", whole, key=len)


def _spans(changed: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last place of each run of ``changed``; small gaps are bridged."""
    first = last = -1
    for place in changed:
        if first < 0:
            first = place
        elif place - last > _BRIDGE:
            yield first, last
            first = place
        last = place
    if first >= 0:
        yield first, last


class ChangedCellsDriver(LinuxDriver):
    """Textual's own, but for what it sends; it tells the app of a line that does not keep up."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._cells = Cells()
        self._drawn_for = (0, 0)
        timed: Any = TimedFile(cast("TextIO", self._file), lambda: app.post_message(LineStalls()))
        self._file = timed

    def write(self, data: str) -> None:
        """Send what changes. A terminal of another size than before may show anything."""
        size = self._get_terminal_size()
        if size != self._drawn_for:
            self._drawn_for = size
            self._cells.forget()
        if changes := self._cells.changes(data):
            super().write(changes)
