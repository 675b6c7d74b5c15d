"""A screen of its own over the panes: banner line, content, footer; Esc goes back to where one was."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from widgets.closing import Closing
from widgets.footer import KeyLine
from widgets.signs import STYLES, Role, drawn

Result = TypeVar("Result")


class FullScreen(Closing[Result], Screen[Result]):
    """Title, content, one line of state, footer."""

    DEFAULT_CSS = """
    FullScreen {
        background: $background;
        &:ansi { background: ansi_default; }
        & > .title { height: 1; padding: 0 1; background: $boost; text-style: bold; &:ansi { background: ansi_default; } }
        & > .said { height: auto; max-height: 6; padding: 0 1; }
        & > .body { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Back", id="screen.back", key_display="Esc")]

    HELP: ClassVar[str] = ""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = title

    def compose(self) -> ComposeResult:
        """Title, content, state, footer."""
        yield Static(Content(drawn(self.heading)), classes="title")
        with Vertical(classes="body"):
            yield from self.compose_content()
        yield Static("", classes="said")
        yield KeyLine()

    def compose_content(self) -> ComposeResult:
        """What it shows."""
        raise NotImplementedError

    def say(self, text: str, role: Role = "dim") -> None:
        """The line over the footer."""
        self.query_one(".said", Static).update(Content.assemble((drawn(text), STYLES[role])))

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)
