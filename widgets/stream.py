"""Messages as rows: a window of the journal that moves, at constant memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from textual.message import Message

from services.records import PAGE, InferenceMessage
from services.times import clock
from widgets.lines import Cells, Lines, fit

if TYPE_CHECKING:
    from widgets.symbols import Role

WINDOW = 2_000  # rows held at most
_RESULT_ROOM = 24  # cells from which a result has columns of its own
_HEAD_ROOM = 8  # cells from which the beginning of an error's text says something
_LEAST_SENDER = 6  # cells
_SENDERS = 200  # told apart when their column is laid out

_KINDS: dict[str, tuple[str, Role]] = {
    "result": ("✓", "good"),
    "flashing": ("!", "warn"),
    "tensor-names": ("✗", "bad"),
    "error": ("✗", "bad"),
    "json": ("·", "dim"),
    "text": ("·", "dim"),
    "binary": ("·", "dim"),
}


@dataclass(frozen=True)
class SenderColumn:
    """Who sent what, where the rows come from several: its width, and how many letters all names begin with."""

    width: int
    common: int

    @classmethod
    def of(cls, names: Collection[str], room: int) -> SenderColumn | None:
        """Return the column for ``names`` in rows of ``room`` cells; None for one sender, and where there is no room."""
        if len(names) < 2 or room < 46:
            return None
        most = 12 if room < 60 else 18 if room < 100 else 32
        first, last, shortest = min(names), max(names), min(map(len, names))
        common = next((place for place in range(shortest) if first[place] != last[place]), shortest)
        return cls(min(max(map(cell_len, names)), most), max(min(common, shortest - 4), 0))

    def fit(self, name: str) -> str:
        """Return the name in the column: of one that is too long, what all begin with is left out first."""
        cut = min(cell_len(name) - self.width + 1, self.common)
        return fit("…" + name[cut:] if cut > 1 else name, self.width)


def sender(message: InferenceMessage) -> str:
    """Return who sent it: the device, and the module where it is one."""
    return f"{message.device}/{message.module}" if message.module else message.device


def share(confidence: float) -> str:
    """Return a confidence in per cent; as it is where it is none of one, as the outputs of VGG-16 (fc8) are none."""
    return f"{confidence:.0%}" if 0 <= confidence <= 1 else f"{confidence:.3g}"


def message_cells(message: InferenceMessage, width: int, column: SenderColumn | None = None) -> Cells:
    """Return a message on one line: time, sender where there are several, milliseconds, confidence, class, picture; else its text.

    What is missing before it stands at the line's end.
    """
    sign, role = _KINDS[message.kind]
    cells: list[tuple[str, Role]] = [
        ("●" if message.marked else " ", "accent"),
        (clock(message.enqueued) + " ", "dim"),
        (sign + " ", role),
    ]
    room = width - 12
    if column is not None:
        if message.reason:  # which is worth more than the sender's name
            lack = cell_len(message.reason) - (room - column.width - 1)
            column = replace(column, width=min(max(column.width - lack, _LEAST_SENDER), column.width))
        cells.append((column.fit(sender(message)) + " ", "dim"))
        room -= column.width + 1
    loss = f" ▲ {message.missing:,} lost before" if message.missing else " ▲ hub made again" if message.hub_remade else ""
    room -= len(loss)
    if message.kind == "result" and room >= _RESULT_ROOM:
        milliseconds = f"{message.milliseconds:,.0f} ms" if message.milliseconds is not None else ""
        confidence = share(message.confidence) if message.confidence is not None else ""
        slow: Role = "warn" if (message.milliseconds or 0) >= 1000 else "plain"
        cells += [(fit(milliseconds, 8, right=True) + " ", slow), (fit(confidence, 4, right=True) + "  ", "plain")]
        label, rest = _split(room - 15)
        picture = message.picture.rsplit("/", 1)[-1]
        cells += [(fit(message.label, label) + " ", "strong"), (fit(picture, rest), "dim")]
    else:
        text = message.label if message.kind == "result" else _with_reason(message, max(room, 0))
        cells.append((fit(text, max(room, 0)), "plain" if role in ("dim", "good") else role))
    if loss:
        cells.append((loss, "bad"))
    return cells


def message_heads(width: int, column: SenderColumn | None = None, day: str = "") -> str:
    """Return the heads of the columns of ``message_cells``; ``day`` is that of the times, where it is not today."""
    room = width - 12
    heads = " " + fit(day or "TIME", 10) + " "
    if column is not None:
        heads += fit("FROM", column.width) + " "
        room -= column.width + 1
    if room < _RESULT_ROOM:
        return heads + fit("CLASS OR TEXT", max(room, 0))
    label, rest = _split(room - 15)
    return heads + fit("TOOK", 8, right=True) + " " + fit("CONF", 4) + "  " + fit("CLASS", label) + " " + fit("PICTURE", rest)


def _split(room: int) -> tuple[int, int]:
    """Return the cells for a result's class, and for its picture."""
    label = min(max(room * 3 // 5, min(room - 1, 12)), 40)
    return label, max(room - label - 1, 0)


def _with_reason(message: InferenceMessage, room: int) -> str:
    """Return what a message says; of an error that is too long the beginning is shortened, and the reason kept."""
    reason = message.reason
    if not reason or cell_len(message.text) <= room:
        return message.text
    head = room - cell_len(reason) - 1
    return reason if head < _HEAD_ROOM else f"{fit(message.text, head)} {reason}"


class Stream(Lines):
    """The window of messages that is held, of which the screen shows a part."""

    class Wanted(Message):
        """Messages beyond the window's edge are wanted."""

        def __init__(self, where: Literal["before", "after"], row: int) -> None:
            super().__init__()
            self.where = where
            self.row = row

    class Left(Message):
        """The operator scrolled away from the end: the tail rests."""

    class ColumnsChanged(Message):
        """The columns are laid out anew."""

    class Beginning(Message):
        """The operator wants the oldest message of the journal."""

    class End(Message):
        """The operator wants the end: the tail goes on."""

    def __init__(self) -> None:
        super().__init__(id="stream")
        self.window: list[InferenceMessage] = []
        self.senders: set[str] = set()
        self.column: SenderColumn | None = None
        self.following = True
        self._last_request: tuple[str, int] | None = None

    def row_count(self) -> int:
        """Return the rows in the window."""
        return len(self.window)

    def row_key(self, index: int) -> object:
        """Return a message's place in the journal, its mark, and what is missing before it: with a filter that may be more."""
        message = self.window[index]
        return message.row, message.marked, message.missing, message.hub_remade, self.column

    def cells(self, index: int, width: int) -> Cells:
        return message_cells(self.window[index], width, self.column)

    @property
    def current(self) -> InferenceMessage | None:
        """The message under the cursor."""
        return self.window[self.index] if self.window else None

    @property
    def room(self) -> int:
        """How many messages the tail is worth: some pages, since what is further back is read when the operator goes there."""
        return max(3 * self.page_size, 60)

    @property
    def last_row(self) -> int:
        """The journal row of the window's end; -1 while it is empty."""
        return self.window[-1].row if self.window else -1

    def replace(self, messages: Sequence[InferenceMessage], at_row: int | None = None, tail: bool = False) -> None:
        """Show another window; the cursor goes to ``at_row``, else to the end. ``tail``: of the same stream, further on."""
        self.window = list(messages)
        if not tail:  # another filter may leave one sender
            self.senders.clear()
        self._last_request = None
        self._note_senders(self.window)
        self.rows_changed()
        before, index = self.index, len(self.window) - 1
        if at_row is not None:
            index = next((place for place, message in enumerate(self.window) if message.row >= at_row), index)
        self.move_to(index)
        if self.index == before:  # the place is the same, the message is not
            self.post_message(self.Moved(self, self.index))

    def append(self, messages: Sequence[InferenceMessage]) -> None:
        """Add newer messages; older ones leave the window. Following, the view goes with them."""
        if not messages:
            self._last_request = None
            return
        self._last_request = None
        self.window += messages
        surplus = len(self.window) - WINDOW
        if surplus > 0:
            del self.window[:surplus]
            self.index = max(self.index - surplus, 0)
        self._note_senders(messages)
        if self.following:
            self.index = len(self.window) - 1
            self.rows_changed()
            self.scroll_to(y=len(self.window), animate=False, force=True, immediate=True)
            self.post_message(self.Moved(self, self.index))
        else:
            offset = self.scroll_offset.y
            self.rows_changed()
            if surplus > 0:
                self.scroll_to(y=max(offset - surplus, 0), animate=False, force=True, immediate=True)

    def prepend(self, messages: Sequence[InferenceMessage]) -> None:
        """Add older messages; newer ones leave the window; what is seen stays where it is."""
        if not messages:
            return
        self._last_request = None
        offset = self.scroll_offset.y
        self.window[:0] = messages
        del self.window[WINDOW:]
        self.index = min(self.index + len(messages), len(self.window) - 1)
        self._note_senders(messages)
        self.rows_changed()
        self.scroll_to(y=offset + len(messages), animate=False, force=True, immediate=True)

    def update_message(self, message: InferenceMessage) -> None:
        """Draw a message that changed (it was marked)."""
        for place, shown_message in enumerate(self.window):
            if shown_message.row == message.row:
                self.window[place] = message
        self.refresh()

    def _note_senders(self, messages: Sequence[InferenceMessage]) -> None:
        before = len(self.senders)
        if before < _SENDERS:
            self.senders.update(map(sender, messages[-PAGE:]))
        if len(self.senders) != before:
            self._lay_out()

    def _lay_out(self) -> None:
        self.column = SenderColumn.of(self.senders, self.scrollable_content_region.width)
        self.post_message(self.ColumnsChanged())

    @property
    def heads(self) -> str:
        """The heads of the columns, with the day of the message under the cursor where it is not today."""
        moment = self.current.enqueued.astimezone() if self.current else None
        day = moment.strftime("%Y-%m-%d") if moment and moment.date() != datetime.now().astimezone().date() else ""
        return message_heads(self.scrollable_content_region.width, self.column, day)

    def on_resize(self) -> None:
        """Draw anew: another width has room for other columns; at another height the end stays in sight."""
        self._lay_out()
        super().on_resize()
        if self.following and self.window:
            self.scroll_to(y=len(self.window), animate=False, force=True, immediate=True)

    def move_to(self, index: int) -> None:
        """Move, leave the tail when going up, and ask for more near an edge."""
        if index < len(self.window) - 1 and self.following:
            self.following = False
            self.post_message(self.Left())
        super().move_to(index)
        if not self.window:
            return
        if self.index < self.page_size:
            self._want("before", self.window[0].row)
        elif not self.following and self.index > len(self.window) - 1 - self.page_size:
            self._want("after", self.window[-1].row)

    def _want(self, where: Literal["before", "after"], row: int) -> None:
        if self._last_request != (where, row):
            self._last_request = (where, row)
            self.post_message(self.Wanted(where, row))

    def action_top(self) -> None:
        """Go to the beginning of the journal, not only of the window."""
        self.post_message(self.Beginning())

    def action_bottom(self) -> None:
        """Go to the end of the journal, not only of the window."""
        self.post_message(self.End())
