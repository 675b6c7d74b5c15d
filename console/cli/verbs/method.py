"""``dbe-console method NAME``: any direct method of a module, or of the device."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, confirmed, device_of, may_change
from console.cli.verbs._names import ModuleName
from console.cli.verbs._numbers import whole_number
from services.names import module_identity
from services.operations.twins import changes_nothing, invoke, method_command, payload_of

HELP = "invoke a direct method of a module (the edge agent's by default)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", help="its name, such as ping, RestartModule, GetModuleLogs, or one of a module's own")
    parser.add_argument(
        "--module", action=ModuleName, default="edgeAgent", help="whose method (default edgeAgent; - is the device itself)"
    )
    parser.add_argument("--payload", default="{}", metavar="JSON", help="what it is given (default {})")
    parser.add_argument("--timeout", type=whole_number(5, 300), default=30, metavar="SECONDS", help="5 to 300 (default 30)")
    add_change_arguments(parser, wait=False, images=False)


def run(call: Call) -> int:
    """Confirm what may change something, invoke, print status and payload; 1 where the status is not 2xx."""
    options = call.options
    context = call.context()
    device, module = device_of(call, context), None if options.module == "-" else module_identity(options.module)
    payload = payload_of(options.payload)
    with call.session() as session:
        hub = session.hub
        harmless = changes_nothing(module, options.method)
        if not harmless:
            may_change(context)
        call.progress(f"the same with the Azure CLI: {method_command(hub.host, device, options.method, payload, module)}")
        if options.dry_run:
            return 0
        if not harmless and not confirmed(call, f"Invoke {options.method} of {module or 'the device'} on {device}?"):
            call.progress("Nothing was sent.")
            return 1
        reply = invoke(hub, device, module, options.method, payload, options.timeout, context.name)
        call.progress(hub.meter.note)
        if call.as_json:
            call.out_json({"status": reply.status, "payload": reply.payload})
        else:
            call.progress(f"status {reply.status}")
            call.out_json(reply.payload, 2)
        return 0 if reply.status is not None and 200 <= reply.status < 300 else 1
