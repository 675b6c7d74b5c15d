"""Help on the pane or screen one is in: what it is for, and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from console.tui.keymap import key_sign
from widgets.dialogs import Reader
from widgets.pane import Pane
from widgets.symbols import STYLES, drawn

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp

_NAMED = 76  # columns, from which on the names of keys.toml have room beside the keys


def help_dialog(app: ConsoleApp) -> Reader:
    """Return the keys of the place one is in, each with the name by which keys.toml remaps it."""
    screen = app.screen
    pane = next((node for node in screen.focused.ancestors_with_self if isinstance(node, Pane)), None) if screen.focused else None
    about = pane.HELP if pane is not None else getattr(screen, "HELP", "")
    title = pane.NAME if pane is not None else getattr(screen, "heading", "dbe-console")
    parts: list[tuple[str, str]] = []
    named = screen.size.width >= _NAMED
    rows: dict[tuple[str, str], list[str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and binding.id:
            rows.setdefault((binding.description, binding.id), []).append(key_sign(app, binding.key))
    own: list[tuple[str, str, list[str]]] = []
    everywhere: list[tuple[str, str, list[str]]] = []
    for (description, identity), keys in rows.items():
        (everywhere if identity.startswith(("app.", "lines.")) else own).append((description, identity, keys))
    for group in (own, everywhere):
        for description, identity, keys in group:
            parts += [
                (f"  {drawn(' '.join(dict.fromkeys(keys))):<14} ", STYLES["accent"]),
                (f"{description:<26}", "") if named else (f"{description}\n", ""),
                (f"{identity}\n" if named else "", STYLES["dim"]),
            ]
        parts.append(("\n", ""))
        if group is own:  # the keys of this place first: they are what one looks for
            parts.append(("\n\n".join(drawn(part.replace("\n", " ")) for part in about.split("\n\n")) + "\n\n", ""))
            parts.append(("Keys everywhere\n", "bold"))
    if screen.focused is not None and screen.focused.check_consume_key("a", "a"):
        parts.append(("While you type into a text, letters and signs go there; after Esc there are more keys.\n", STYLES["dim"]))
    parts += [
        (
            "The names on the right go into keys.toml to give a key another place. : takes commands with the verbs' names.",
            STYLES["dim"],
        )
    ]
    return Reader(f"Help · {title}", Content.assemble(*parts))
