"""A screen of its own over the panes: banner, content, footer; Esc goes back to where one was."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from console.tui.actions import bindings
from console.tui.owner import app_of
from console.tui.scope import Scope
from widgets.closing import Closing
from widgets.footer import KeyLine
from widgets.status import Banner
from widgets.symbols import STYLES, Role, drawn

Result = TypeVar("Result")


class FullScreen(Scope, Closing[Result], Screen[Result]):
    """Title, content, one line of state, footer."""

    DEFAULT_CSS = """
    FullScreen {
        background: $background;
        &:ansi { background: ansi_default; }
        & > .said { height: auto; max-height: 6; padding: 0 1; }
        & > .body { height: 1fr; }
    }
    """
    SCOPES = ("screen",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    HELP: ClassVar[str] = ""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = title

    def compose(self) -> ComposeResult:
        self.banner = Banner(classes="-screen")
        yield self.banner
        with Vertical(classes="body"):
            yield from self.compose_content()
        yield Static("", classes="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """Show over every screen where one is, so that nobody takes PRODUCTION for the lab."""
        self.title_is(self.heading)

    def title_is(self, text: str) -> None:
        """Set what the screen is about."""
        self.banner.like(app_of(self).main.banner, text)

    def compose_content(self) -> ComposeResult:
        raise NotImplementedError

    def say(self, text: str, role: Role = "dim") -> None:
        """Show a line over the footer."""
        self.query_one(".said", Static).update(Content.assemble((drawn(text), STYLES[role])))

    def action_leave(self) -> None:
        self.dismiss(None)
