"""The app and the four panes as what they are, for who stands below them: by their types alone, the only arrows that run up."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.message_pump import MessagePump
from textual.widget import Widget

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp as ConsoleApp
    from console.tui.main_screen import MainScreen as MainScreen


def app_of(node: MessagePump) -> ConsoleApp:
    """Return the console's app."""
    return cast("ConsoleApp", node.app)


def main_of(pane: Widget) -> MainScreen:
    """Return the screen of the four panes, which a pane stands on."""
    return cast("MainScreen", pane.screen)
