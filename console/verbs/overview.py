"""``dbe-console overview``: every device of the hub, the one in most trouble first."""

from __future__ import annotations

import argparse

from console.call import Call
from services.errors import OperatorError

HELP = "list all devices with what is wrong on each, the one in most trouble first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--json`` alone."""
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(call: Call) -> int:
    """Print a table, or a list."""
    from services.hub.client import Hub
    from services.hub.endpoint import find_endpoint
    from services.messages.place import journal_place
    from services.operations.last_messages import last_messages
    from services.operations.overview import overview

    context = call.context()
    hub = Hub.open(context)
    rows = []
    try:
        endpoint = find_endpoint(context)
        newest = last_messages(journal_place(endpoint.namespace, endpoint.entity).journal)
    except OperatorError as error:
        call.progress(f"the newest messages are not known: {error}")
        newest = {}
    for row in overview(hub, newest):
        rows.append(
            {
                "device": row.device.id,
                "state": row.word,
                "connected": row.device.connected,
                "modules": len([module for module in row.state.modules if not module.system]) if row.state else None,
                "reported": row.state.reported_at if row.state else None,
                "last_message": row.last_message,
                "deployment": row.deployment,
                "reason": row.reason,
            }
        )
    call.table(("device", "state", "connected", "modules", "reported", "last_message", "deployment", "reason"), rows)
    call.progress(hub.meter.note)
    return 0
