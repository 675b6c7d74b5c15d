"""Keys of one's own: ``config_folder()/keys.toml`` maps a binding's name to keys.

    [keys]
    "images.deploy" = "D,f5"
    "app.doctor" = "f2"

The names stand in the help (``?``).
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode

import console.screens
from services.contexts.paths import config_folder
from services.errors import OperatorError
from services.files import check_owner
from services.text import one_line


def load_keymap(path: Path | None = None) -> dict[str, str]:
    """The operator's keymap, empty where there is none; raises OperatorError that names what is wrong in the file."""
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
    wrong = [name for name, value in keys.items() if not isinstance(value, str) or not value]
    if wrong:
        raise OperatorError(
            f"The key file {path} gives no keys for {', '.join(wrong)}.",
            remedy='Write them as "images.deploy" = "D,f5".',
            code="keys.broken",
        )
    unknown = sorted(set(keys) - known_names()) if keys else []
    if unknown:
        raise OperatorError(
            f"The key file {path} names what is not there: {', '.join(one_line(name, 40) for name in unknown)}.",
            remedy="The names stand in the help (?), to the right of each key.",
            code="keys.unknown",
        )
    return dict(keys)


def known_names() -> set[str]:
    """The name of every binding there is."""
    for module in pkgutil.iter_modules(console.screens.__path__, "console.screens."):
        importlib.import_module(module.name)
    kinds: list[type[DOMNode]] = [DOMNode]
    names: set[str] = set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        names |= {binding.id for binding in vars(kind).get("BINDINGS", ()) if isinstance(binding, Binding) and binding.id}
    return names
