"""What runs the actions of a scope: mixed into the app, the panes and the screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from console.tui.actions import ACTIONS, Action
from console.tui.owner import app_of

if TYPE_CHECKING:
    from textual.dom import DOMNode
else:
    DOMNode = object


class Scope(DOMNode):
    """A place with actions of its own."""

    SCOPES: ClassVar[tuple[str, ...]] = ()

    def offers(self, action: Action) -> bool | None:
        """Return whether an action can be used now; False where it does not exist, None where there is nothing to use it on."""
        return not (action.changing and app_of(self).changes_nothing)

    def row_word(self) -> str:
        """Return what a row of this place is, in a word."""
        return "row"

    def current_row(self) -> object | None:
        """Return what stands under the cursor."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Decide whether a key exists: Textual asks this before a key, and for the footer."""
        if action == "act":
            return self.offers(ACTIONS[str(parameters[0])])
        return super().check_action(action, parameters)

    def action_act(self, id: str) -> None:
        """Carry out an action of the table: every binding calls this."""
        self.act(id)

    def act(self, id: str, argument: str = "", row: object | None = None) -> None:
        """Do an action that exists here, with ``row`` in place of what stands under the cursor; say so where it needs one."""
        action = ACTIONS[id]
        is_offered = self.offers(action)
        handler = getattr(self, action.method)
        if is_offered is False:
            return
        if action.needs_row:
            if row is None and is_offered:  # a pane that reads another device may still have the rows of the one before
                row = self.current_row()
            if row is None:
                self.app.notify(f"{action.title}: no {self.row_word()} chosen", severity="warning", timeout=3)
            else:
                handler(row)
        elif is_offered is None:
            self.app.notify(f"{action.title}: nothing is shown here yet", severity="warning", timeout=3)
        elif action.argument:
            handler(argument)
        else:
            handler()
