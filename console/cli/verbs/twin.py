"""``dbe-console twin MODULE``: a module's twin, and its desired properties edited with a diff and the twin's etag."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, confirmed, device_of, may_change
from console.cli.verbs._names import ModuleName
from console.files import read_text
from services.names import module_identity
from services.operations import twin_edit
from services.operations.twins import displayable

HELP = "show a module's twin (secrets masked), or edit its desired properties"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", action=ModuleName, help="the module; edgeAgent or edgeHub for the runtime's own")
    parser.add_argument("--part", choices=("desired", "reported", "tags"), default="", help="only this part of the twin")
    what = "send these desired properties (all of them, as JSON; - reads standard input; a masked secret stays what it is)"
    parser.add_argument("--set", metavar="FILE", default="", help=what)
    add_change_arguments(parser, wait=False, images=False)


def run(call: Call) -> int:
    """Print the twin; with ``--set`` the difference first, then send it where nobody changed the twin in between."""
    options = call.options
    context = call.context()
    device, module = device_of(call, context), module_identity(options.module)
    with call.session() as session:
        hub = session.hub
        if not options.set:
            call.out_json(displayable(hub.module_twin(device, module), options.part), 2)
            return 0
        may_change(context)
        text = read_text(options.set)
        edit = twin_edit.plan(hub.host, device, module, hub.module_twin(device, module), text)
        for line in edit.diff:
            call.progress(f"{line.sign} {line.text}" if line.sign != "@" else line.text)
        call.progress(f"the same with the Azure CLI: {edit.command}")
        applied = False
        if edit.empty or options.dry_run:
            call.progress("Nothing was sent." if not edit.empty else "The twin has all of this already; nothing was sent.")
        elif confirmed(call, f"Change desired properties of {module} on {device}?"):
            twin_edit.apply(hub, edit, context.name)
            applied = True
            call.progress(f"The desired properties of {module} were changed.")
        else:
            call.progress("Nothing was sent.")
            return 1
        if call.as_json:
            diff = [f"{line.sign} {line.text}" for line in edit.diff]
            call.out_json(
                {"device": device, "module": module, "etag": edit.etag, "changed": not edit.empty, "sent": applied, "diff": diff}
            )
        return 0
