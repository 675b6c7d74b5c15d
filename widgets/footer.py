"""The keys that work here, in one line.

Textual's own footer makes a widget of every key, and makes them all again whenever the focus moves: a tenth of a second on a slow
machine, at the first frame and at every step between panes.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from widgets.signs import drawn


class KeyLine(Static):
    """Each shown binding as its key and a word; what finds no room is left out whole, and the help has all of them."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; text-wrap: nowrap; color: $footer-foreground; background: $panel;
        &:ansi { background: ansi_default; }
    }
    """

    _shown: Sequence[tuple[str, str]] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        """Another width has room for other keys."""
        self._show()

    def _changed(self, _: Screen[object]) -> None:
        if self.app.app_focus:
            self._show()

    def keys(self) -> list[tuple[str, str]]:
        """Keys and their words, in the order of the bindings, as far as there is room; the help's key is left out last."""
        found: dict[str, tuple[str, str]] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled:
                found.setdefault(binding.action, (drawn(self.app.get_key_display(binding)), drawn(binding.description)))
        while found and sum(cell_len(key) + cell_len(word) + 2 for key, word in found.values()) - 1 > self.size.width:
            del found[next((action for action in reversed(found) if action != "help"), "help")]
        return list(found.values())

    def _show(self) -> None:
        parts: list[tuple[str, str]] = []
        for key, word in self.keys():
            parts += [(key, "bold $footer-key-foreground"), (f" {word} ", "$footer-description-foreground")]
        if parts != self._shown:
            self._shown = parts
            self.update(Content.assemble(*parts), layout=False)
