"""Signing in by device code, shown over whatever one was looking at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from console.tui.actions import bindings
from console.tui.scope import Scope
from widgets.copy import Copy
from widgets.dialogs import Dialog
from widgets.footer import KeyLine
from widgets.symbols import STYLES, drawn

if TYPE_CHECKING:
    from textual.app import App

    from services.contexts.sign_in import DeviceCode


class DeviceCodeDialog(Scope, Dialog[None]):
    """What to open and what to enter there; it closes by itself when that was done, or can be left."""

    SCOPES = ("sign-in",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, code: DeviceCode) -> None:
        super().__init__("Signing in to Azure")
        self.code = code

    def compose_content(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                "In a browser, on any machine, open\n\n  ",
                (drawn(self.code.uri), STYLES["accent"]),
                "\n\nand enter the code\n\n  ",
                (drawn(self.code.code), "bold"),
                (f"\n\nIt holds until {self.code.expires.astimezone():%H:%M}. ", STYLES["dim"]),
                ("This closes when you are signed in; Esc hides it meanwhile, :sign-in shows it again.", STYLES["dim"]),
            ),
            classes="text",
        )
        yield KeyLine()

    def action_copy(self) -> None:
        """Copy the code, into no file."""
        self.post_message(Copy(self.code.code, "the code", keep=False))


class DeviceCodes:
    """The codes that sign-ins wait for: the last is shown over whatever one looks at, and again when it is asked for."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._dialogs: dict[DeviceCode, DeviceCodeDialog] = {}

    def ask(self, code: DeviceCode) -> Callable[[], None]:
        """Return a handler that covers nothing: it is called in the thread that asked for a token, before that goes on."""
        self._app.call_from_thread(self._show, code)
        return lambda: self._app.call_from_thread(self._end, code)

    def show(self) -> bool:
        """Show the last one, where it is hidden; gives whether there is one."""
        for code, dialog in reversed(self._dialogs.items()):
            if dialog not in self._app.screen_stack:
                self._show(code)
            return True
        return False

    def _show(self, code: DeviceCode) -> None:
        self._dialogs[code] = DeviceCodeDialog(code)
        self._app.push_screen(self._dialogs[code])

    def _end(self, code: DeviceCode) -> None:
        dialog = self._dialogs.pop(code, None)
        if dialog is not None and dialog in self._app.screen_stack:
            dialog.dismiss(None)
