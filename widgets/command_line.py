"""The line at the bottom into which a ``:`` command is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Gives a command, or None. Right arrow and Tab take the suggestion, and Enter runs it where what was typed is none yet.

    ``remark`` says what a line would do, empty where that is nothing; ``history`` are earlier lines, the newest last, for ↑ and ↓.
    """

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
        Binding("up", "earlier(-1)", "Earlier", id="command.earlier", priority=True, show=False),
        Binding("down", "earlier(1)", "Later", id="command.later", priority=True, show=False),
    ]

    def __init__(self, suggester: Suggester, remark: Callable[[str], str], history: Sequence[str] = ()) -> None:
        super().__init__()
        self.suggester = suggester
        self.remark = remark
        self.history = [*history, ""]
        self._place = len(history)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(":")
            yield Input(placeholder="a command; tab completes it, ctrl+p lists all", suggester=self.suggester, compact=True)
            yield Label("", id="remark")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        line = event.value.strip()
        completed = await self.suggester.get_suggestion(line) if line else None
        takes = completed is not None and (" " in line or not self.remark(line))
        self.dismiss(completed if takes else line)

    def action_earlier(self, by: int) -> None:
        """Put an earlier line, or a later one, into the place of this."""
        self._place = min(max(self._place + by, 0), len(self.history) - 1)
        line = self.query_one(Input)
        line.value = self.history[self._place]
        line.cursor_position = len(line.value)

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
