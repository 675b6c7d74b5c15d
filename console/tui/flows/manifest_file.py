"""A whole manifest written into a file that is the operator's alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.tui.background import in_thread
from widgets.dialogs import Confirm, Prompt

if TYPE_CHECKING:
    from console.tui.owner import MainScreen


async def write_manifest(main: MainScreen, suggested: str, content: Mapping[str, Any], name: str = "") -> None:
    """Write a whole manifest into a file of mode 0600, as ``az iot edge set-modules --content`` takes it.

    Its name is asked for where none is given, and before a file is overwritten.
    """
    from services.operations import manifests

    hint = "The whole manifest, secrets included, readable by you alone"
    name = name or await main.app.push_screen_wait(Prompt("Write the manifest into a file", hint, suggested))
    if not name:
        return
    path = Path(name).expanduser()
    question = Confirm("Overwrite a file", f"{path} is there already.", "Overwrite")
    if path.exists() and not await main.app.push_screen_wait(question):
        return
    await in_thread(manifests.write_manifest, path, content)
    main.notify(f"written to {path}; it holds the device's secrets", timeout=10)
