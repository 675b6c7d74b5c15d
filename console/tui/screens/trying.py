"""Everything that a new context names, tried before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from console.tui.actions import Action, bindings
from console.tui.background import each, go
from console.tui.scope import Scope
from services.records import Step
from widgets.dialogs import Dialog
from widgets.footer import KeyLine
from widgets.remedies import on_screen
from widgets.symbols import STEP, STYLES, drawn

if TYPE_CHECKING:
    from services.contexts.draft import Draft


class Trying(Scope, Dialog[bool]):
    """Everything the draft names is tried; closes with True when all of it works, or when it shall be kept untried."""

    SCOPES = ("trying",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, draft: Draft) -> None:
        super().__init__("Trying it")
        self.draft = draft
        self.steps: dict[str, Step] = {}
        self.ended = False

    def compose_content(self) -> ComposeResult:
        yield Static("", classes="text", id="steps")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin."""
        go(self, self._try(), "try")

    async def _try(self) -> None:
        async for step in each(self.draft.test()):
            self.steps[step.name] = step
            self._show()
        if all(step.state == "done" for step in self.steps.values()):
            self.dismiss(True)
            return
        self.ended = True
        self.refresh_bindings()
        self._show()

    def _show(self) -> None:
        parts: list[tuple[str, str]] = []
        for step in self.steps.values():
            sign, role = STEP[step.state]
            parts += [
                (f"{drawn(sign)} {step.title}  ", STYLES[role]),
                (f"{step.detail}\n", STYLES["dim" if role == "good" else "plain"]),
            ]
            if step.state == "failed" and step.remedy:
                parts.append((drawn(f"  → {on_screen(step.remedy)}\n"), STYLES["accent"]))
        if self.ended:
            parts.append(("\nNothing was kept. Esc goes back to correct it; K keeps it as it is.", STYLES["warn"]))
        self.query_one("#steps", Static).update(Content.assemble(*parts))

    def offers(self, action: Action) -> bool | None:
        """Offer to keep the context once it is known what does not work."""
        return (action.id != "trying.keep" or self.ended) and super().offers(action)

    def action_keep(self) -> None:
        """Keep it untried."""
        self.dismiss(True)

    def action_cancel(self) -> None:
        """Go back to the draft."""
        self.dismiss(False)
