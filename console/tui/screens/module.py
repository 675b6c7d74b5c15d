"""All that is known of one module, live: the countdown to its next start goes on while one reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from console.tui.actions import bindings_of
from console.tui.owner import app_of
from console.tui.scope import Scope
from widgets.dialogs import Reader


class ModuleScreen(Scope, Reader):
    """``content`` is asked anew every second; ``act`` does an action of the modules pane with the module."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(
        "modules.logs", "modules.twin", "modules.edit", "modules.ping", "modules.restart", "modules.method"
    )

    def __init__(self, title: str, content: Callable[[], Content], act: Callable[[str], None]) -> None:
        super().__init__(title, content())
        self.content_now = content
        self.act_on_module = act

    def on_mount(self) -> None:
        """Begin."""
        app = app_of(self)
        self.set_interval(5.0 if app.slow else 1.0, lambda: self.show(self.content_now()))

    def action_act(self, id: str) -> None:
        """Close, and go on in the pane; the answer to a ping shows here."""
        if id != "modules.ping":
            self.dismiss(None)
        self.act_on_module(id)
