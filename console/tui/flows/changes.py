"""Small changes of a device: restart, stop, start, remove; and which device one looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.background import for_dialog, in_thread
from console.tui.flows.plans import carry_out
from services.operations.session import Session
from services.records import Module
from widgets.dialogs import Choose, Confirm, Reader
from widgets.symbols import LIVENESS

if TYPE_CHECKING:
    from console.tui.owner import MainScreen


async def choose_device(main: MainScreen, session: Session) -> None:
    """Let another device of the hub be chosen."""
    devices = await for_dialog(main, session.devices)
    choices = [
        (listed.device.id, listed.device.id, f"{LIVENESS[listed.liveness.word][0]} {listed.liveness.text}") for listed in devices
    ]
    device = await main.app.push_screen_wait(Choose("Device", choices, current=main.device))
    if device:
        main.look_at(device)


async def restart(main: MainScreen, session: Session, device: str, module: str) -> None:
    """Restart a module at once, by direct method."""
    from services.operations.twins import restart_command

    command = restart_command(session.context.hub.host if session.context.hub else "", device, module)
    question = Confirm(
        f"Restart {module}",
        f"{module} on {device} stops and starts again.",
        "Restart",
        command=command,
        type_to_confirm=session.name_to_type(device),
    )
    if await main.app.push_screen_wait(question):
        await in_thread(session.deployer.restart, device, module)
        main.notify(f"{module} was told to restart", timeout=4)
        main.modules.read()


async def switch(main: MainScreen, session: Session, device: str, module: Module, direction: str = "") -> None:
    """Stop a module that should run, start one that should not; ``direction`` says which of them is meant."""
    running = module.desired is not None and module.desired.status == "running"
    if direction and running == (direction == "start"):
        main.notify(f"{module.name} is to {'run already; R restarts it' if running else 'be stopped already'}", timeout=4)
        return
    name = module.name
    await carry_out(main, session, lambda deployer: deployer.stop(device, name) if running else deployer.start(device, name))


async def remove(main: MainScreen, session: Session, device: str, module: str) -> None:
    """Take a module off the device."""
    await carry_out(main, session, lambda deployer: deployer.remove(device, module))


async def upgrade(main: MainScreen, session: Session, device: str, module: str) -> None:
    """Take the next step of an upgrade; of edgeAgent tell the steps, for it is upgraded with a shell on the device at hand."""
    from services.operations.upgrade import AGENT, agent_steps, plan_step

    if module == AGENT:
        state = await in_thread(session.hub.device_state, device)
        await main.app.push_screen_wait(Reader(f"Upgrade {module} of {device}", "\n\n".join(agent_steps(state))))
        return
    await carry_out(main, session, lambda deployer: plan_step(deployer, device, module))
