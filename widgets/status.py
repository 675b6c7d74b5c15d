"""Where one is, and how the panes that are out of sight do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from widgets.symbols import STYLES, Role, drawn

if TYPE_CHECKING:
    from widgets.pane import Pane

_HERE = "bold $text-primary"
_SIGNS: dict[Role, str] = {"warn": "!", "bad": "✗"}


def spent_today(messages: int) -> str:
    """Return what consoles have cost the hub today, in messages of its quota."""
    return f"quota: {messages:,} today"


class Banner(Horizontal):
    """The line that cannot be missed: LAB, the context's name, or PRODUCTION; the device; and on the right what was spent."""

    DEFAULT_CSS = """
    Banner {
        height: 1;
        background: $boost;
        &:ansi { background: ansi_default; }
        .badge { width: auto; text-style: bold; background: $primary; color: $text; }
        .badge.-lab { background: $accent; color: auto; }
        .badge.-production { background: $error; color: auto; }
        &:ansi .badge { background: ansi_default; color: ansi_default; text-style: reverse; }
        &:ansi .badge.-lab { color: ansi_cyan; }
        &:ansi .badge.-production { color: $error; }
        .where { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-screen .where { text-style: bold; }
        .spent { width: auto; padding: 0 1; color: $dim; }
    }
    """

    def compose(self) -> ComposeResult:
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
        self.badge.update(Content(drawn(f" {text or 'no context'} ")))
        self.badge.set_class(lab, "-lab")
        self.badge.set_class(production, "-production")
        self.badge.set_class(not lab and not production, "-plain")
        self.say_where(where)

    def say_where(self, where: str) -> None:
        """Show another place in the same context."""
        self.where.update(Content(drawn(where)))

    def like(self, other: Banner, where: str) -> None:
        """Show the other's badge over another place: that of a screen which lies over the panes."""
        self.badge.update(other.badge.content)
        self.badge.set_classes(other.badge.classes)
        self.say_where(where)

    def show_spent(self, spent: int) -> None:
        """Show what consoles have cost the hub today, in messages of its quota."""
        self.spent.update(Content(spent_today(spent)))


class Strip(Static):
    """One line with the panes' states: the other three stay in sight while one fills the screen."""

    DEFAULT_CSS = """
    Strip { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def show(self, panes: Sequence[Pane], current: Pane | None) -> None:
        """Say each pane's state; the current one is bright."""
        room = (self.size.width or 80) - 2
        others = [pane for pane in panes if pane.word and pane is not current]  # its own state stands in its frame
        others.sort(key=lambda pane: (pane.role in _SIGNS, pane.NUMBER))
        # Where it is tight, first what is well goes unsaid, the messages' last, then the others' names, then what ails them but for a sign.
        trouble = [pane for pane in others if pane.role in _SIGNS]
        saying = [(True, others[at:], True) for at in range(len(others) - len(trouble) + 1)]
        for named, troubled, whole in (*saying, (False, trouble, True), (False, trouble, False)):
            line = _line(panes, current, troubled, named=named, whole=whole)
            if line.cell_length <= room:
                break
        self.update(line, layout=False)  # one line, whatever it says


def _line(panes: Sequence[Pane], current: Pane | None, troubled: Collection[Pane], *, named: bool, whole: bool) -> Content:
    parts: list[tuple[str, str]] = []
    for pane in panes:
        here = pane is current
        if parts:
            parts.append((drawn(" │ "), STYLES["dim"]))
        parts.append((str(pane.NUMBER), _HERE if here else STYLES["dim"]))
        if named or here:
            parts.append((f" {pane.NAME.split()[-1].capitalize()}", _HERE if here else ""))
        if pane in troubled:
            parts.append((drawn(f" {pane.word if whole else _SIGNS[pane.role]}"), STYLES[pane.role]))
    return Content.assemble(*parts)
