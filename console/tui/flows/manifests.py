"""Whole manifests, as ``az iot edge set-modules --content`` takes them: written out, brought in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from console.files import read_text
from console.tui.background import for_dialog, in_thread
from console.tui.flows.manifest_file import write_manifest
from console.tui.flows.plans import carry_out
from services.operations.session import Session
from widgets.dialogs import Choose, Prompt

if TYPE_CHECKING:
    from console.tui.owner import MainScreen


async def export(main: MainScreen, session: Session, name: str) -> None:
    """Write the device's manifest, secrets included, into a file that is the operator's alone."""
    content = await for_dialog(main, session.manifest, main.device)
    await write_manifest(main, f"{main.device}-manifest.json", content, name)


async def bring_in(main: MainScreen, session: Session, name: str) -> None:
    """Merge a manifest's file into what the device has, or put it in its place: values asked for, then diff and confirm."""
    from services.operations.manifests import read_manifest

    name = name or await main.app.push_screen_wait(Prompt("Bring in a manifest", "Its file"))
    if not name:
        return
    path, device = Path(name).expanduser(), main.device
    manifest = read_manifest(await in_thread(read_text, path))
    values = {}
    for number, variable in enumerate(manifest.variables, 1):
        question = Prompt(
            f"${variable}",
            f"{number} of {len(manifest.variables)} that {path.name} leaves open. Esc sends nothing.",
            secret=variable in manifest.secrets,
        )
        value = await main.app.push_screen_wait(question)
        if value is None:
            return
        values[variable] = value
    ways = [
        ("merge", "merge", "everything else on the device stays"),
        ("replace", "replace", "modules that the file does not name are removed"),
    ]
    way = await main.app.push_screen_wait(Choose(f"{path.name} on {device}", ways, current="merge"))
    if way is None:
        return
    whole = way == "replace"
    await carry_out(
        main, session, lambda deployer: deployer.import_manifest(device, manifest.content, values, whole=whole, name=path.name)
    )
