"""``dbe-console restart MODULE``: by the edge agent's direct method; lifts a module out of ``failed`` too."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, confirmed, device_of, may_change
from console.cli.verbs._names import ModuleName
from services.operations.twins import restart_command

HELP = "restart a module (also one that the agent has given up on)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", action=ModuleName, help="its name: dbe-console modules")
    add_change_arguments(parser, wait=False, images=False)


def run(call: Call) -> int:
    """Confirm, restart, and keep it in the history."""
    context = call.context()
    may_change(context)
    device, module = device_of(call, context), call.options.module
    with call.session() as session:
        call.progress(f"the same with the Azure CLI: {restart_command(session.hub.host, device, module)}")
        if call.options.dry_run:
            return 0
        if not confirmed(call, f"Restart {module} on {device}?"):
            call.progress("Nothing was sent.")
            return 1
        entry = session.deployer.restart(device, module)
    call.progress(f"{module} was told to restart.")
    if call.as_json:
        call.out_json({"device": device, "module": module, "restarted": True, "entry": entry})
    return 0
