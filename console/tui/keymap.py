"""Keys of one's own: ``config_folder()/keys.toml`` maps an action's name to keys.

    [keys]
    "images.deploy" = "D,f5"
    "app.doctor" = "f2"

The names stand in the help (``?``).
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from textual.binding import Binding

from console.tui.actions import ACTIONS, PLACES
from console.tui.scope import Scope
from services.contexts.paths import config_folder
from services.errors import OperatorError
from services.files import check_owner
from services.text import one_line

if TYPE_CHECKING:
    from textual.app import App

_BESIDE_TYPING = re.compile(r"f[0-9]+|escape|ctrl\+.+")  # keys by which one neither writes nor moves in a text

_SIGNS = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "at": "@",
    "enter": "Enter",
    "escape": "Esc",
    "delete": "Del",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "up": "Up",
    "down": "Down",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "ctrl+z": "Ctrl+Z",
    "ctrl+l": "Ctrl+L",
}


def key_sign(app: App[None], key: str) -> str:
    """Return a key as it is written in a text."""
    return _SIGNS.get(key) or app.get_key_display(Binding(key, ""))


def split_keys(keys: str) -> list[str]:
    """Return Textual's own names of keys that stand with commas between: slash for a /."""
    return [binding.key for binding in Binding.make_bindings([Binding(keys, "")])]


def load_keymap(path: Path | None = None) -> dict[str, str]:
    """Return the operator's keys by action, none where there is no file; raises OperatorError that names what is wrong in it."""
    path = path or config_folder() / "keys.toml"
    if not path.is_file():
        return {}
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        check_owner(path, "the key file")
        keys = tomllib.loads(path.read_text("utf-8")).get("keys", {})
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"The key file {path} cannot be read.",
            cause=one_line(error, 200),
            remedy="Mend that line; until then the standard keys hold.",
            code="keys.broken",
        ) from error
    wrong = [name for name, value in keys.items() if not isinstance(value, str) or not all(map(str.strip, value.split(",")))]
    if wrong:
        raise OperatorError(
            f"The key file {path} gives no keys for {', '.join(one_line(name, 40) for name in wrong)}.",
            remedy='Write them as "images.deploy" = "D,f5".',
            code="keys.broken",
        )
    unknown = sorted(set(keys) - standard_keys().keys()) if keys else []
    if unknown:
        raise OperatorError(
            f"The key file {path} names what is not there: {', '.join(one_line(name, 40) for name in unknown)}.",
            remedy="The names stand in the help (?), to the right of each key.",
            code="keys.unknown",
        )
    for name, value in keys.items():
        letters = [
            key for key in split_keys(value) if name in ACTIONS and ACTIONS[name].priority and not _BESIDE_TYPING.fullmatch(key)
        ]
        if letters:
            raise OperatorError(
                f"The key file {path} gives the key {letters[0]} to {name}, which works while one types.",
                cause="It could be typed no longer.",
                remedy="Use a function key, or one with Ctrl; until then the standard keys hold.",
                code="keys.typed",
            )
    for key, one, other in conflicts(keys):
        dangerous = [name for name in (one, other) if name in ACTIONS and ACTIONS[name].changing]
        raise OperatorError(
            f"The key file {path} gives the key {one_line(key, 40)} to {one} and to {other}, which work in the same place.",
            cause=f"One would hide the other{f', and {dangerous[0]} changes what runs' if dangerous else ''}.",
            remedy="Give one of them another key; until then the standard keys hold.",
            code="keys.conflict",
        )
    return {name: ",".join(split_keys(value)) for name, value in keys.items()}


def for_textual(keys: Mapping[str, str]) -> dict[str, str]:
    """Return a keymap that leaves others their keys.

    Textual takes a key that is given up away from whatever else has it on the same widget, too (textual/binding.py,
    ``apply_keymap``): D is "Deploy" on images and "Make image" on models.
    """
    keymap = dict(keys)
    for kind in _kinds(Scope):
        own = [action for action in ACTIONS.values() if action.scope in kind.SCOPES and action.keys]
        remapped_keys = {key for action in own if action.id in keys for key in split_keys(f"{action.keys},{keys[action.id]}")}
        for action in own:
            if remapped_keys & set(split_keys(action.keys)):
                keymap.setdefault(action.id, action.keys)
    return keymap


def _kinds(kind: type[Scope]) -> Iterator[type[Scope]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def standard_keys() -> dict[str, str]:
    """Return the keys of every action and of every movement in a widget, by name."""
    return {name: keys for scope in _widget_keys().values() for name, keys in scope.items()} | {
        action.id: action.keys for action in ACTIONS.values()
    }


def conflicts(keys: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, name, name) of what would take a key away from another in the same place, which by standard it does not."""
    standard = standard_keys()
    for scopes in PLACES:
        names = [action.id for action in ACTIONS.values() if action.scope in scopes]
        names += [name for scope, own in _widget_keys().items() if scope in scopes for name in own]
        for one, other in combinations(names, 2):
            if one in keys or other in keys:
                common = _common({**standard, **keys}, one, other) - _common(standard, one, other)
                yield from ((key, one, other) for key in sorted(common))


def _common(keys: Mapping[str, str], one: str, other: str) -> set[str]:
    both = [set(split_keys(keys[name])) if keys[name] else set() for name in (one, other)]
    return both[0] & both[1]


def _widget_keys() -> dict[str, dict[str, str]]:
    """Return the keys that widgets have for themselves, by their scope and name."""
    from widgets.command_line import CommandLine
    from widgets.deploy_form import DeployForm
    from widgets.dialogs import Choose, Dialog, Reader
    from widgets.diff import DiffConfirm
    from widgets.lines import Lines
    from widgets.model_form import ModelForm
    from widgets.options import Editor
    from widgets.pane import FilterLine
    from widgets.progress import ProgressDialog
    from widgets.table import Table
    from widgets.twin import TwinTree

    kinds = {
        "lines": Lines,
        "table": Table,
        "filter": FilterLine,
        "editor": Editor,
        "dialog": Dialog,
        "progress": ProgressDialog,
        "reader": Reader,
        "choices": Choose,
        "review": DiffConfirm,
        "deploy-form": DeployForm,
        "model-form": ModelForm,
        "command-line": CommandLine,
        "tree": TwinTree,
    }
    return {
        scope: {binding.id: binding.key for binding in vars(kind)["BINDINGS"] if isinstance(binding, Binding) and binding.id}
        for scope, kind in kinds.items()
    }
