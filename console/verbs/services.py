"""``dbe-console services``: what Azure ML deployed to IoT Edge devices (IotWebservice); one can be deleted."""

from __future__ import annotations

import argparse

from console.call import Call
from console.verbs._names import DeviceName, ServiceName

HELP = "list the services that Azure ML deployed to devices, or delete one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--json``, ``--delete NAME --yes``."""
    parser.add_argument("--json", action="store_true", help="one JSON list, or object")
    parser.add_argument(
        "--delete", action=ServiceName, metavar="NAME", help="delete a service; the modules that it put on the device go with it"
    )
    parser.add_argument(
        "--device", action=DeviceName, default="", help="only this device's; in production --delete with --yes needs it"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(call: Call) -> int:
    """0 when done."""
    from console.verbs._workspace import open_workspace

    if call.options.delete:
        return _delete(call, call.options.delete)
    with open_workspace(call) as workspace:
        found = workspace.services()
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
            for service in found
            if call.options.device in ("", service.device_id)
        ],
    )
    return 0


def _delete(call: Call, name: str) -> int:
    from console.verbs._confirming import confirmed, may_change
    from console.verbs._workspace import open_workspace
    from services.deployment.azureml_route import delete
    from services.deployment.history import History
    from services.errors import UsageError
    from services.hub.client import Hub

    context = call.context()
    may_change(context)
    with open_workspace(call) as workspace:
        of = next((service.device_id for service in workspace.services() if service.name == name), "")
        if of and call.options.device not in ("", of):
            raise UsageError(
                f"The service {name} is on {of}, not on {call.options.device}.",
                remedy=f"Name --device {of}, or no device.",
                code="usage.device",
            )
        if not confirmed(call, f"Delete the service {name}, and its modules on {of or 'the device'}?", of):
            call.progress("Nothing was sent.")
            return 1
        gone = delete(context, workspace, Hub.open(context), name, History(), lambda step: call.progress(step.text))
    call.progress(f"{name} is deleted; {', '.join(gone) or 'no module'} went with it.")
    if call.as_json:
        call.out_json({"service": name, "deleted": True, "removed": list(gone)})
    return 0
