"""A long operation, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import ProgressBar, Static

from widgets.dialogs import Dialog
from widgets.footer import KeyLine
from widgets.symbols import STYLES

if TYPE_CHECKING:
    from services.records import Progress


class ProgressDialog(Dialog[None]):
    """What it did so far; Esc leaves it alone, which does not end it. ``cancelling``: what X does, where it can be cancelled."""

    LINES = 10
    BINDINGS: ClassVar[list[BindingType]] = [Binding("X", "throw_away", "Cancel it", id="progress.cancel")]

    def __init__(self, title: str, cancelling: str = "") -> None:
        super().__init__(title)
        self.cancelling = cancelling
        self.cancelled = False
        self.said: list[str] = []

    def compose_content(self) -> ComposeResult:
        yield Static("", classes="text", id="said")
        yield ProgressBar(show_eta=False)
        hint = f"Esc leaves this; the work goes on without it. {self.cancelling}".rstrip()
        yield Static(Content.assemble((hint, STYLES["dim"])), classes="text")
        yield KeyLine()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to cancel only what can be cancelled."""
        return action != "throw_away" or bool(self.cancelling)

    def action_throw_away(self) -> None:
        """Leave it, and want nothing of it."""
        self.cancelled = True
        self.dismiss(None)

    def on_mount(self) -> None:
        """Hide the bar, which says nothing while the length is not known."""
        self.query_one(ProgressBar).display = False

    def tell(self, progress: Progress) -> None:
        """Add a line."""
        if not self.is_mounted:
            return
        self.said.append(progress.text)
        lines = self.said[-self.LINES :]
        self.query_one("#said", Static).update(
            Content("\n").join([Content.assemble((line, STYLES["dim"])) for line in lines[:-1]] + [Content(lines[-1])])
        )
        if progress.fraction is not None:
            bar = self.query_one(ProgressBar)
            bar.display = True
            bar.update(total=1, progress=progress.fraction)
