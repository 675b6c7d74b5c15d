"""What the four panes have in common: actions on what they show, and on the row under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.events import Key

from console.tui.owner import main_of
from console.tui.scope import Scope

if TYPE_CHECKING:
    from console.tui.actions import Action
    from console.tui.owner import MainScreen
    from widgets.pane import Pane
else:
    Pane = object


class PaneScope(Scope, Pane):
    """Mixed into a pane. While it shows nothing, the footer leaves out what needs something to be shown."""

    @property
    def main(self) -> MainScreen:
        """The screen it stands on."""
        return main_of(self)

    def offers(self, action: Action) -> bool | None:
        """Withhold the opening of a filter that is typed already, and what needs content while there is none."""
        if action.id == "pane.filter" and self.filtering:
            return False
        if (action.needs_row or action.needs_content) and self.look != "ready":
            return None if super().offers(action) else False
        return super().offers(action)

    def go_to_row(self, name: str) -> bool:
        """Put the cursor on the row of a name; return whether there is one."""
        return False

    def row_names(self) -> list[str]:
        """Return the names that ``go_to_row`` takes."""
        return []

    def prepare(self, action: Action) -> None:
        """Show what an action is about, before its command is done."""

    def on_key(self, event: Key) -> None:
        """Say that a key has nothing to work on: Textual passes over an action that is not offered now."""
        active = self.screen.active_bindings.get(event.key) if self.current_row() is None else None
        if active is not None and active.node is self and not active.enabled:
            event.stop()
            self.act(active.binding.id or "")
