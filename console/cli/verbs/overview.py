"""``dbe-console overview``: every device of the hub, the one in most trouble first."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from services.operations.device_list import CONNECTED
from services.operations.last_messages import last_messages_of
from services.operations.overview import overview

HELP = "list all devices with what is wrong on each, the one in most trouble first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(call: Call) -> int:
    """Print a table, or a list."""
    context = call.context()
    with call.session() as session:
        hub = session.hub
        rows = []
        newest, unknown = last_messages_of(context)
        if unknown:
            call.progress(f"the newest messages are not known: {unknown}")
        for row in overview(hub, newest):
            rows.append(
                {
                    "device": row.device.id,
                    "state": row.word,
                    "connected": CONNECTED[row.liveness.word] if row.liveness else None,
                    "liveness": row.liveness.word if row.liveness else None,
                    "basis": row.liveness.basis if row.liveness else None,
                    "modules": len([module for module in row.state.modules if not module.system]) if row.state else None,
                    "reported": row.state.reported_at if row.state else None,
                    "last_message": row.last_message,
                    "deployment": row.deployment,
                    "reason": row.reason if call.as_json else row.remark,
                    "out_of_support": [product.name for product in row.unsupported],
                }
            )
        call.table(("device", "state", "modules", "reported", "last_message", "reason"), rows)
        call.progress(hub.meter.note)
        return 0
