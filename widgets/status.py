"""Where one is, and how the panes that are out of sight do."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from widgets.pane import Pane
from widgets.signs import STYLES, drawn


class Banner(Horizontal):
    """The line that cannot be missed: LAB, the context's name, or PRODUCTION; the device; and on the right what was spent."""

    DEFAULT_CSS = """
    Banner {
        height: 1;
        background: $boost;
        &:ansi { background: ansi_default; }
        .badge { width: auto; padding: 0 1; text-style: bold; background: $primary; color: $text; }
        .badge.-lab { background: $accent; color: auto; }
        .badge.-production { background: $error; color: auto; }
        &:ansi .badge { background: ansi_default; color: ansi_default; text-style: reverse; }
        &:ansi .badge.-lab { color: ansi_cyan; }
        &:ansi .badge.-production { color: ansi_red; }
        .where { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        .spent { width: auto; padding: 0 1; color: $dim; }
    }
    """

    def compose(self) -> ComposeResult:
        """Badge, place, costs."""
        self.badge = Static("", classes="badge")
        self.where = Static("", classes="where")
        self.spent = Static("", classes="spent")
        yield self.badge
        yield self.where
        yield self.spent

    def show(self, name: str, where: str, *, lab: bool, production: bool, read_only: bool) -> None:
        """Name the context and the place in it."""
        kind = "LAB" if lab else "PRODUCTION" if production else ""
        text = " · ".join(part for part in (kind, "" if lab else name, "READ-ONLY" if read_only else "") if part)
        self.badge.update(Content(drawn(text or "no context")))
        self.badge.set_class(lab, "-lab")
        self.badge.set_class(production, "-production")
        self.badge.set_class(not lab and not production, "-plain")
        self.where.update(Content(drawn(where)))

    def show_spent(self, text: str) -> None:
        """What this console has cost the hub today."""
        self.spent.update(Content(drawn(text)))


class Strip(Static):
    """One line with the panes' states: the other three stay in sight while one fills the screen."""

    DEFAULT_CSS = """
    Strip { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Clicked(Message):
        """A pane's name was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def show(self, panes: Iterable[Pane], current: Pane | None) -> None:
        """Say each pane's state; the current one is bright."""
        panes = list(panes)
        room = self.size.width or 80
        for named in (True, False):  # where it is tight, the others are their number and their word
            parts: list[tuple[str, str]] = []
            for pane in panes:
                here = pane is current
                if parts:
                    parts.append((drawn(" │ "), STYLES["dim"]))
                parts.append((f"{pane.NUMBER} ", "bold $text-primary" if here else STYLES["dim"]))
                if named or here:
                    parts.append((pane.NAME.split()[-1].capitalize(), "bold $text-primary" if here else ""))
                if pane.word and not here:  # its own state stands in its frame
                    parts.append((drawn(f" {pane.word}" if named else pane.word), STYLES[pane.role]))
            if sum(cell_len(text) for text, _ in parts) <= room:
                break
        self.update(Content.assemble(*parts), layout=False)  # one line, whatever it says
