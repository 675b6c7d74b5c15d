"""A table of records: columns that fit the width, a filter, a sort order, and a cursor that stays on its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from widgets.lines import Cells, Lines, fit
from widgets.symbols import Role

Record = TypeVar("Record")
Cell = tuple[str, Role]
_NAME = 18  # cells that a growing column gets before the others share what is left
_TEXT = 48  # cells that are enough for one, so that others find room beside it
_SENSE = 8  # with fewer cells than this a growing column says nothing


@dataclass(frozen=True)
class Column(Generic[Record]):
    """A column. ``grow`` shares what width is left; a ``spare`` column is shown where the others leave it room.

    ``enough``: so many cells of a growing one do before a spare one is left out. ``keep_end``: what has no room is cut at the
    beginning, which says least of an image's address.
    """

    title: str
    cell: Callable[[Record], Cell]
    width: int = 0
    grow: int = 0
    right: bool = False
    spare: bool = False
    order: Callable[[Record], Any] | None = None
    quiet: bool = False  # not shown while no record has anything in it
    enough: int = 0
    keep_end: bool = False


class Rows(Lines):
    """The rows of a ``Table``."""

    class Resized(Message):
        """Another width may have other columns."""

    def __init__(self, columns: Sequence[Column[Any]], key: Callable[[Any], object]) -> None:
        super().__init__()
        self.columns = columns
        self.key = key
        self.records: list[Any] = []
        self.wide = False  # every column whole, however wide that is
        self._widths: tuple[int, list[tuple[Column[Any], int]]] = (-1, [])

    def on_resize(self) -> None:
        """Draw the heading anew."""
        super().on_resize()
        self.post_message(self.Resized())

    def row_count(self) -> int:
        """Return how many records are shown."""
        return len(self.records)

    def row_key(self, index: int) -> object:
        return index

    def widths(self, width: int) -> list[tuple[Column[Any], int]]:
        """Return the columns that are shown, with their widths."""
        if self.wide:
            return [(column, max(column.width, self._natural(column))) for column in self.columns]
        visible = [column for column in self.columns if not (column.quiet and self._is_empty(column))]
        natural = {column.title: column.width or self._natural(column) for column in visible}
        visible = self._fitting(visible, natural, width)
        sizes = {column.title: min(natural[column.title], _NAME) if column.grow else natural[column.title] for column in visible}
        room = width - 2 * len(sizes) - sum(sizes.values())
        growing = [column for column in visible if column.grow]
        for column in reversed(growing):  # too narrow: the last ones give way
            cut = min(max(-room, 0), max(sizes[column.title] - _SENSE, 0))
            if room + cut < 0 and column is not growing[0]:
                visible.remove(column)
                room += sizes.pop(column.title) + 2
            else:
                sizes[column.title] -= cut
                room += cut
        growing = [column for column in visible if column.grow]
        # What is left goes where more is to be said, by weight; what then remains goes to the last.
        weight = sum(column.grow for column in growing)
        for column in sorted(growing, key=lambda column: natural[column.title] - sizes[column.title]):
            more = min(natural[column.title] - sizes[column.title], room * column.grow // weight) if room > 0 else 0
            sizes[column.title] += more
            room -= more
            weight -= column.grow
        if growing and room > 0:
            sizes[growing[-1].title] += room
        return [(column, sizes[column.title]) for column in visible]

    @staticmethod
    def _fitting(columns: list[Column[Any]], natural: dict[str, int], width: int) -> list[Column[Any]]:
        """Return the columns without those spare ones for which the others leave no room."""

        def min_width(column: Column[Any]) -> int:
            enough = column.enough or (_NAME if column.spare else _TEXT)
            return 2 + (min(natural[column.title], enough) if column.grow else natural[column.title])

        visible = []
        room = width - sum(min_width(column) for column in columns if not column.spare)
        for column in columns:
            if column.spare:
                room -= min_width(column)
                if room < 0:
                    room += min_width(column)
                    continue
            visible.append(column)
        return visible

    def _is_empty(self, column: Column[Any]) -> bool:
        return not any(column.cell(record)[0] for record in self.records)

    def _natural(self, column: Column[Any]) -> int:
        return max([cell_len(column.title), *(cell_len(column.cell(record)[0]) for record in self.records[:200])])

    def cells(self, index: int, width: int) -> Cells:
        if self._widths[0] != width:
            self._widths = (width, self.widths(width))
        cells: list[Cell] = [(" ", "plain")]
        for column, size in self._widths[1]:
            text, role = column.cell(self.records[index])
            cells += [(fit(text, size, column.right, column.keep_end), role), ("  ", "plain")]
        return cells

    def move_sideways(self, by: int) -> bool:
        """Show what is out of sight on one side; False where there is nothing."""
        width = self.scrollable_content_region.width
        most = sum(size + 2 for _, size in self.widths(width)) + 1 - width if self.wide else 0
        before, self.shift = self.shift, max(0, min(self.shift + by, most))
        if self.shift != before:
            self.forget()
        return self.shift != before

    def forget(self) -> None:
        """Draw anew, and measure the columns anew."""
        self._widths = (-1, [])
        super().forget()


class Table(Widget, Generic[Record]):
    """A heading and its rows. Left and right move sideways in the wide view, which shows every column whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("W", "wide", "All columns", show=False, id="table.wide"),
        Binding("left", "sideways(-1)", "Left", show=False, id="table.left"),
        Binding("right", "sideways(1)", "Right", show=False, id="table.right"),
    ]

    DEFAULT_CSS = """
    Table { height: 1fr; layout: vertical; }
    Table > .heading { height: 1; color: $dim; }
    """

    class Highlighted(Message):
        """The cursor stands on another record (or on none)."""

        def __init__(self, table: Table[Any], record: Any) -> None:
            super().__init__()
            self.table = table
            self.record = record

        @property
        def control(self) -> Table[Any]:
            """The table."""
            return self.table

    class Chosen(Highlighted):
        """Enter was pressed on a record."""

    def __init__(
        self,
        columns: Sequence[Column[Record]],
        key: Callable[[Record], object],
        search: Callable[[Record], str],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.key = key
        self.search = search
        self.all: list[Record] = []
        self.nothing = ""  # what is said where there is no record at all
        self.filter = ""
        self.sort = -1  # the column; -1 is the order the records came in
        self.rows = Rows(columns, key)
        self.heading = Static("", classes="heading")

    def compose(self) -> ComposeResult:
        yield self.heading
        yield self.rows

    @property
    def current(self) -> Record | None:
        """The record under the cursor."""
        return self.rows.records[self.rows.index] if self.rows.records else None

    def show(self, records: Sequence[Record]) -> None:
        """Show these records; the cursor stays on the record it stood on."""
        self.all = list(records)
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show only records in which ``text`` occurs; ``!text`` those in which it does not."""
        self.filter = text.strip()
        self._arrange()

    def needed_height(self, pane: Widget) -> int:
        """Return the lines that ``pane`` takes to show every record, filtered out or not, with what it has around the rows."""
        return len(self.all) + pane.outer_size.height - self.rows.size.height

    def action_wide(self) -> None:
        """Show every column whole, or those that fit."""
        self.rows.wide = not self.rows.wide
        self.rows.shift = 0
        self.rows.forget()
        self._head()

    def action_sideways(self, by: int) -> None:
        """Move by a third of the width."""
        if self.rows.move_sideways(by * max(self.rows.size.width // 3, 1)):
            self._head()

    def next_sort(self) -> str:
        """Sort by the next column; gives the name of the order."""
        usable = [-1] + [index for index, column in enumerate(self.columns) if column.order]
        self.sort = usable[(usable.index(self.sort) + 1) % len(usable)]
        self._arrange()
        return "as it came" if self.sort < 0 else self.columns[self.sort].title.lower()

    def go_to(self, key: object) -> bool:
        """Put the cursor on the record of that key; False where it is not shown."""
        for index, record in enumerate(self.rows.records):
            if self.key(record) == key:
                self.rows.move_to(index)
                return True
        return False

    def matches(self, record: Record) -> bool:
        """Return whether the filter lets the record through."""
        pattern = self.filter.lower()
        if pattern.startswith("!"):
            return pattern[1:] not in self.search(record).lower()
        return pattern in self.search(record).lower()

    def _arrange(self) -> None:
        current = self.current
        records = [record for record in self.all if self.matches(record)] if self.filter else list(self.all)
        if self.sort >= 0 and (order := self.columns[self.sort].order):
            records.sort(key=order)
        self.rows.records = records
        self.rows.nothing = f"none of {len(self.all)} matches the filter" if self.all else self.nothing
        if current is not None:
            current_key = self.key(current)
            self.rows.index = next(
                (index for index, record in enumerate(records) if self.key(record) == current_key), self.rows.index
            )
        self.rows.forget()
        self._head()
        self.post_message(self.Highlighted(self, self.current))

    def _head(self) -> None:
        width = self.rows.scrollable_content_region.width
        if width:
            parts = [fit(column.title, size, column.right) for column, size in self.rows.widths(width)]
            self.heading.update(Content((" " + "  ".join(parts))[self.rows.shift :]))

    def on_rows_resized(self, event: Rows.Resized) -> None:
        """Draw other columns at another width."""
        event.stop()
        self._head()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Tell of the record instead of its row."""
        event.stop()
        self.post_message(self.Highlighted(self, self.current))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Tell of the record instead of its row."""
        event.stop()
        self.post_message(self.Chosen(self, self.current))
