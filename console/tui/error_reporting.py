"""An app that says in a sentence what went wrong, writes its own faults down in private, and knows what will open by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from console.terminal.key_order import KeyOrderApp
from widgets.dialogs import ErrorDialog

if TYPE_CHECKING:
    from services.errors import OperatorError


class ErrorReportingApp(KeyOrderApp):
    """What ends it, or fails below it, is said as what happened, why, and what to do."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.opening: set[asyncio.Future[Any]] = set()  # what dialogs wait for that will open

    def show_error(self, error: OperatorError) -> None:
        """Show what happened, why, and what to do."""
        self.push_screen(ErrorDialog(error))

    def _fatal_error(self) -> None:
        """End the console on a fault without Textual's traceback, which prints every local variable, secrets among them."""
        from console.terminal.crash import write_down

        self._leave_with(write_down(self._exception or RuntimeError("unknown")))

    def panic(self, *renderables: object) -> None:
        """End the console where Textual has no more than a text of the fault."""
        from console.terminal.crash import write_text

        with self.console.capture() as text:
            self.console.print(*renderables)
        self._leave_with(write_text("Textual", text.get()))

    def _leave_with(self, error: OperatorError) -> None:
        from rich.text import Text

        self._return_code = 1
        self._exit_renderables.append(Text(f"dbe-console: {error.what}\n  cause:  {error.cause}\n  remedy: {error.remedy}"))
        self._close_messages_no_wait()
