"""All that is known of one module, live: the countdown to its next start goes on while one reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from console.owner import app_of
from widgets.dialogs import Reader


class ModuleScreen(Reader):
    """``content`` is asked anew every second; gives the action of the modules pane that one went on to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "go('logs')", "Logs"),
        Binding("t", "go('twin')", "Twin"),
        Binding("e", "go('edit')", "Options"),
        Binding("p", "ping", "Ping"),
        Binding("R", "go('restart')", "Restart"),
        Binding("m", "go('method')", "Method"),
    ]

    def __init__(self, title: str, content: Callable[[], Content], act: Callable[[str], None], read_only: bool) -> None:
        super().__init__(title, content())
        self.content_now = content
        self.act = act
        self.read_only = read_only

    def on_mount(self) -> None:
        """Begin."""
        app = app_of(self)
        self.set_interval(5.0 if app.slow else 1.0, lambda: self.show(self.content_now()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In read-only mode what changes something does not exist."""
        if self.read_only and parameters and parameters[0] in ("restart", "method"):
            return False
        return super().check_action(action, parameters)

    def action_go(self, what: str) -> None:
        """Close, and go on in the pane."""
        self.dismiss(None)
        self.act(what)

    def action_ping(self) -> None:
        """Ask the agent for a sign of life; the answer shows here."""
        self.act("ping")
