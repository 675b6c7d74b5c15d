"""``dbe-console services``: what Azure ML deployed to IoT Edge devices (IotWebservice); one can be deleted."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._confirmation import confirmed, may_change
from console.cli.verbs._names import DeviceName, ServiceName
from services.errors import UsageError

HELP = "list the services that Azure ML deployed to devices, or delete one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list, or object")
    parser.add_argument(
        "--delete", action=ServiceName, metavar="NAME", help="delete a service; the modules that it put on the device go with it"
    )
    parser.add_argument(
        "--device", action=DeviceName, default="", help="only this device's; in production --delete with --yes needs it"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(call: Call) -> int:
    if call.options.delete:
        return _delete(call, call.options.delete)
    with call.session() as session:
        workspace = session.workspace
        services = workspace.services()
    call.table(
        ("name", "state", "device", "image", "modules", "compute", "created"),
        [
            {
                "name": service.name,
                "state": service.state,
                "device": service.device_id,
                "image": service.image_id,
                "modules": service.modules,
                "compute": service.compute_name,
                "created": service.created or "",
            }
            for service in services
            if call.options.device in ("", service.device_id)
        ],
    )
    return 0


def _delete(call: Call, name: str) -> int:
    context = call.context()
    may_change(context)
    with call.session() as session:
        device = next((service.device_id for service in session.workspace.services() if service.name == name), "")
        if device and call.options.device not in ("", device):
            raise UsageError(
                f"The service {name} is on {device}, not on {call.options.device}.",
                remedy=f"Name --device {device}, or no device.",
                code="usage.device",
            )
        if not confirmed(call, f"Delete the service {name}, and its modules on {device or 'the device'}?", device):
            call.progress("Nothing was sent.")
            return 1
        removed_modules = session.deployer.delete_service(name, lambda step: call.progress(step.text))
    call.progress(f"{name} is deleted; {', '.join(removed_modules) or 'no module'} went with it.")
    if call.as_json:
        call.out_json({"service": name, "deleted": True, "removed": list(removed_modules)})
    return 0
