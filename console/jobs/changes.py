"""Small changes of a device: restart, stop, start, remove; and which device one looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.background import for_dialog, in_thread
from console.jobs.plans import confirm_plan
from console.session import Session
from services.records import Module
from widgets.dialogs import Choose, Confirm
from widgets.signs import LIVENESS

if TYPE_CHECKING:
    from console.owner import MainScreen


async def choose_device(main: MainScreen, session: Session) -> None:
    """Another device of the hub."""
    devices = await for_dialog(main, session.devices)
    choices = [
        (listed.device.id, listed.device.id, f"{LIVENESS[listed.liveness.word][0]} {listed.liveness.text}") for listed in devices
    ]
    chosen = await main.app.push_screen_wait(Choose("Device", choices, current=main.device))
    if chosen:
        main.look_at(chosen)


async def restart(main: MainScreen, session: Session, device: str, module: str) -> None:
    """Restart a module at once, by direct method."""
    from services.deployment.diff import az_method

    command = az_method(
        session.context.hub.host if session.context.hub else "", device, "RestartModule", {"schemaVersion": "1.0", "id": module}
    )
    question = Confirm(
        f"Restart {module}",
        f"{module} on {device} stops and starts again.",
        "Restart",
        command=command,
        type_to_confirm=session.typed(device),
    )
    if await main.app.push_screen_wait(question):
        await in_thread(session.restart, device, module)
        main.notify(f"{module} was told to restart", timeout=4)
        main.modules.read()


async def switch(main: MainScreen, session: Session, device: str, module: Module, wanted: str = "") -> None:
    """Stop a module that should run, start one that should not; ``wanted`` says which of them is meant."""
    from services.deployment.changes import SetModule

    running = module.desired is not None and module.desired.status == "running"
    if wanted and running == (wanted == "start"):
        main.notify(f"{module.name} is to {'run already; R restarts it' if running else 'be stopped already'}", timeout=4)
        return
    change = SetModule(module.name, status="stopped" if running else "running")
    verb = "Stop" if running else "Start"
    await confirm_plan(main, session, device, [change], f"{verb} {module.name} on {device}", verb, (module.name,))


async def remove(main: MainScreen, session: Session, device: str, module: str) -> None:
    """Take a module off the device."""
    from services.deployment.changes import RemoveModule

    await confirm_plan(main, session, device, [RemoveModule(module)], f"Remove {module} from {device}", "Remove", ())
