"""Rows that are drawn only while they are seen: what tables, logs and the message stream are made of.

A row becomes a strip when it comes into view (docs/facts/textual.md: ~970,000 lines/s, where Log manages 1,800). A cell is
``(text, role)``: roles, not markup, so that no data can be taken for markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Blur, DescendantBlur, DescendantFocus, Event, Focus
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.symbols import ROLES, Role, drawn

Cells = Sequence[tuple[str, Role]]


def fit(text: str, width: int, right: bool = False, keep_end: bool = False) -> str:
    """Return ``text`` in exactly ``width`` cells; what is cut off is marked: the end, or with ``keep_end`` the beginning."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        if keep_end:
            return drawn("…") + set_cell_size(text[::-1], width - 1)[::-1]
        return set_cell_size(text, width - 1) + drawn("…")
    return " " * (width - length) + text if right else text + " " * (width - length)


class Lines(ScrollView, can_focus=True):
    """A list of rows with a cursor, moved by arrows and by vi's keys. Subclasses say how many rows there are, and draw one."""

    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        &:ansi { background: ansi_default; }
        .lines--strong { text-style: bold; }
        .lines--dim { color: $dim; }
        .lines--accent { color: $text-accent; }
        .lines--good { color: $text-success; }
        .lines--warn { color: $text-warning; }
        .lines--bad { color: $text-error; text-style: bold; }
        .lines--cursor { background: $primary 30%; text-style: bold; }
        .lines--cursor-blurred { background: $primary 12%; }
        &:ansi .lines--cursor { background: ansi_default; text-style: reverse; }
        &:ansi .lines--cursor-blurred { background: ansi_default; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{role}" for role in ROLES} | {"lines--cursor", "lines--cursor-blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="lines.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="lines.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="lines.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="lines.page-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="lines.half-up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="lines.half-down"),
        Binding("home,g", "top", "Top", show=False, id="lines.top"),
        Binding("end,G", "bottom", "Bottom", show=False, id="lines.bottom"),
        Binding("enter", "choose", "Choose", show=False, id="lines.choose"),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        lines: Lines
        index: int

        @property
        def control(self) -> Lines:
            """The list itself."""
            return self.lines

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row."""

        lines: Lines
        index: int

        @property
        def control(self) -> Lines:
            """The list itself."""
            return self.lines

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.index = 0
        self.nothing = ""  # what is said where there is no row
        self.stale = False  # rows that could not be read again stand back
        self.shift = 0  # cells that are out of sight on the left
        self._styles: dict[str, Style] = {}
        self._strips: dict[object, Strip] = {}
        self._drawn_width = -1

    # What a subclass says.

    def row_count(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def row_key(self, index: int) -> object:
        """Return what tells this row's drawing from another's."""
        raise NotImplementedError

    def cells(self, index: int, width: int) -> Cells:
        raise NotImplementedError

    # Drawing.

    def forget(self) -> None:
        """Draw every row anew: data, width or theme changed."""
        self._strips.clear()
        self._styles.clear()
        self.rows_changed()

    def set_stale(self, stale: bool) -> None:
        """Have the rows stand back, or not any more."""
        if stale != self.stale:
            self.stale = stale
            self.forget()

    def rows_changed(self) -> None:
        """Note other rows, or another number of them; a row whose key was drawn before is not drawn again."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.row_count())
        self.index = max(0, min(self.index, self.row_count() - 1))
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget the drawn rows: the theme changed."""
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def on_resize(self) -> None:
        """Draw other rows at another width; the height decides only which are seen."""
        width = self.scrollable_content_region.width
        if width != self._drawn_width:
            self._drawn_width = width
            self.forget()
        else:
            self.rows_changed()

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Draw nothing where a layout leaves these rows their place.

        Textual's own would draw the scrollbar each time (what it is given as ``virtual_size`` is not what a scroll view has).
        """
        return size != self._size and super()._size_updated(size, virtual_size, container_size, layout)

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Restyle nothing: no rule of the style sheets asks whether rows have the focus, and all of them would be drawn anew."""

    def on_focus(self, event: Focus) -> None:
        """Draw the cursor's row alone, whose colour says who has the focus; Textual's own handler would draw every row anew."""
        event.prevent_default()
        self._focused(True, DescendantFocus(self))

    def on_blur(self, event: Blur) -> None:
        """Draw the cursor's row without the focus."""
        event.prevent_default()
        self._focused(False, DescendantBlur(self))

    def _focused(self, focused: bool, tell: Event) -> None:
        self.has_focus = focused
        self.refresh_lines(self.index)
        if self.parent is not None:
            self.parent.post_message(tell)

    def style(self, name: str) -> Style:
        """Return a role's style, the cursor's, or (without a name) the widget's own; to ask Textual takes longer than to draw a row."""
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"lines--{name}") if name else self.rich_style
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """Return one line of the window."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if y == 0 and self.nothing and not self.row_count():
            return self._draw([(" ", "plain"), (self.nothing, "dim")], width, here=False)
        if not 0 <= index < self.row_count():
            return Strip.blank(width, self.style(""))
        here = index == self.index
        key = (self.row_key(index), here and (1 + self.has_focus), width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._draw(self.cells(index, width), width, here)
            if len(self._strips) > 1000:
                self._strips.clear()
            self._strips[key] = strip
        return strip

    def _draw(self, cells: Cells, width: int, here: bool) -> Strip:
        under = Style()
        if here:  # the roles' colours stay: a state is read on the cursor's row too
            cursor = self.style("cursor" if self.has_focus else "cursor-blurred")
            under = Style(bgcolor=cursor.bgcolor, bold=cursor.bold, reverse=cursor.reverse)
        # Reversed (16 colours), one colour for the whole row: the sign and the word still tell the state. What stands back elsewhere
        # does not under the cursor, on whose colour it could hardly be read.
        plain = ROLES if under.reverse else ("dim",) if here else ()
        roles: list[str] = ["dim" if self.stale and not here else "" if role in plain else role for _, role in cells]
        segments = [Segment(drawn(text), self.style(role) + under) for (text, _), role in zip(cells, roles, strict=True)]
        strip = Strip(segments)
        if self.shift:
            strip = strip.crop(self.shift, self.shift + width)
        return strip.adjust_cell_length(width, self.style("") + under)

    # Moving.

    @property
    def page_size(self) -> int:
        """Rows that are seen at once."""
        return max(self.scrollable_content_region.height, 1)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring the row into view."""
        before, self.index = self.index, max(0, min(index, self.row_count() - 1))
        region = Region(0, self.index, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True, x_axis=False)
        # Where nothing scrolled these two rows are all that there is to draw.
        for row in {before, self.index}:
            self.refresh_lines(row)
        if before != self.index:
            self.post_message(self.Moved(self, self.index))

    def action_move(self, by: int) -> None:
        self.move_to(self.index + by)

    def action_page(self, by: float) -> None:
        self.move_to(self.index + round(by * self.page_size))

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self.row_count() - 1)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.row_count():
            self.post_message(self.Chosen(self, self.index))
