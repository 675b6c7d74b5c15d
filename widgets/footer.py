"""The keys that work here, in one line.

Textual's own footer makes a widget of every key, and makes them all again whenever the focus moves: a tenth of a second on a slow
machine, at the first frame and at every step between panes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from widgets.symbols import drawn


def _length(keys: Collection[tuple[str, str]]) -> int:
    """Return the cells that the keys and words take, with one cell between them."""
    return sum(cell_len(key) + cell_len(word) + 2 for key, word in keys) - 1


def _order(node: DOMNode) -> dict[str, int]:
    """Return where each action stands among the bindings of a node.

    Textual puts one that takes a key from a widget within (F6 of a text area) where that one's stood.
    """
    declared = [binding for each in reversed(type(node).__mro__) for binding in vars(each).get("BINDINGS", ())]
    return {each.action: place for place, each in enumerate(declared) if isinstance(each, Binding) and each.show}


class KeyLine(Static):
    """Each shown binding as its key and a word; what finds no room is left out whole, and the help has all of them."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; padding: 0 1; text-wrap: nowrap; color: $footer-foreground; background: $panel;
        &:ansi { background: ansi_default; }
    }
    """

    _drawn_parts: Sequence[tuple[str, str]] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        """Draw other keys where another width has room for them."""
        self._show()

    def _changed(self, _: Screen[object]) -> None:
        if self.app.app_focus:
            self._show()

    def keys(self) -> list[tuple[str, str]]:
        """Return the keys and their words, in the order of the bindings, as far as there is room; the help's key is left out last."""
        keys: dict[str, tuple[str, str]] = {}  # by action, which f1 and ? have in common
        visible = [active for active in self.screen.active_bindings.values() if active.binding.show and active.enabled]
        helps = {active.binding.action for active in visible if (active.binding.id or "").endswith(".help")}
        near = list((self.screen.focused or self.screen).ancestors_with_self)
        orders = {node: _order(node) for node in near}
        visible.sort(key=lambda active: (near.index(active.node), orders[active.node].get(active.binding.action, 0)))
        for _, binding, _, _ in visible:
            keys.setdefault(binding.action, (drawn(self.app.get_key_display(binding)), drawn(binding.description)))
        while keys and _length(keys.values()) > self.content_size.width:
            del keys[next((action for action in reversed(keys) if action not in helps), next(reversed(keys)))]
        return list(keys.values())

    def _show(self) -> None:
        keys = self.keys()
        gap = "  " if _length(keys) + len(keys) - 1 <= self.content_size.width else " "
        parts: list[tuple[str, str]] = []
        for key, word in keys:
            parts += [(key, "bold $footer-key-foreground"), (f" {word}{gap}", "$footer-description-foreground")]
        if parts != self._drawn_parts:
            self._drawn_parts = parts
            self.update(Content.assemble(*parts), layout=False)
