"""The line at the bottom into which a ``:`` command is typed."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label


class CommandLine(ModalScreen[str]):
    """Gives what was typed, or None. Right arrow and Tab take the suggestion."""

    DEFAULT_CSS = """
    CommandLine {
        background: transparent;
        &:ansi { background: transparent; }
        Horizontal { dock: bottom; height: 1; background: $panel; }
        Label { width: 2; padding: 0 0 0 1; text-style: bold; }
        Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; &:focus { border: none; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave"),
        Binding("tab", "take", "Complete", priority=True),
    ]

    def __init__(self, suggester: Suggester) -> None:
        super().__init__()
        self.suggester = suggester

    def compose(self) -> ComposeResult:
        """A colon and an input."""
        with Horizontal():
            yield Label(":")
            yield Input(placeholder="a command; tab completes it, ctrl+p lists all", suggester=self.suggester, compact=True)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """No command."""
        self.dismiss(None)

    def action_take(self) -> None:
        """Take the suggestion."""
        self.query_one(Input).action_cursor_right()
