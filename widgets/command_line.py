"""The line at the bottom into which a ``:`` command is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label


class CommandLine(ModalScreen[str]):
    """Gives what was typed, or None. Right arrow and Tab take the suggestion; ``remark`` says what a line would do."""

    DEFAULT_CSS = """
    CommandLine {
        background: transparent;
        &:ansi { background: transparent; }
        Horizontal { dock: bottom; height: 1; background: $panel; }
        Label { width: 2; padding: 0 0 0 1; text-style: bold; }
        #remark { width: auto; padding: 0 1; color: $dim; text-style: none; display: none; }
        Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; &:focus { border: none; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="command.leave"),
        Binding("tab", "take", "Complete", id="command.complete", priority=True),
    ]

    def __init__(self, suggester: Suggester, remark: Callable[[str], str]) -> None:
        super().__init__()
        self.suggester = suggester
        self.remark = remark

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(":")
            yield Input(placeholder="a command; tab completes it, ctrl+p lists all", suggester=self.suggester, compact=True)
            yield Label("", id="remark")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    @on(Input.Changed)
    async def _changed(self, event: Input.Changed) -> None:
        """Say it of what is typed, or of what completes it."""
        line = event.value.lstrip()
        completed = await self.suggester.get_suggestion(line) if line else None
        remark = self.query_one("#remark", Label)
        text = self.remark(completed or line)
        remark.display = bool(text)
        remark.update(Content(text))

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_take(self) -> None:
        """Take the suggestion."""
        self.query_one(Input).action_cursor_right()
