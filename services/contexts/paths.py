"""Where things are kept, after the XDG base directories; ``DBE_CONSOLE_HOME`` moves all of it (tests and the lab do)."""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "dbe-console"
SAVED = "DBE_CONSOLE_SAVED"  # the state folder of before, where the embedded lab has its own


def _folder(kind: str) -> Path:
    home = os.environ.get("DBE_CONSOLE_HOME")
    if home:
        return Path(home) / kind
    import platformdirs  # the console's first frame waits for no more than it needs

    return Path(platformdirs.user_config_dir(_NAME) if kind == "config" else platformdirs.user_state_dir(_NAME))


def config_folder() -> Path:
    """Return the folder of contexts.toml, keys.toml and presets/."""
    return _folder("config")


def state_folder() -> Path:
    """Return the folder of journals, history and the log."""
    return _folder("state")


def saved_folder(kind: str) -> Path:
    """Return the folder of what the operator saves: ``exports``, ``reports`` or ``logs``. The embedded lab's own would vanish with it."""
    return Path(os.environ.get(SAVED) or state_folder()) / kind
