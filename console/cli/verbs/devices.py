"""``dbe-console devices``: the hub's devices, and whether each is alive."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime

from console.cli.output import Call
from services.operations.device_list import CONNECTED, list_devices
from services.operations.last_messages import last_messages_of

HELP = "list the hub's devices, IoT Edge devices first, and whether each is alive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(call: Call) -> int:
    """Print a table, or a list."""
    context = call.context()
    with call.session() as session:
        hub = session.hub

        def messages() -> Mapping[str, datetime]:
            newest, unknown = last_messages_of(context)
            if unknown:
                call.progress(f"the newest messages are not known: {unknown}")
            return newest

        rows = [
            {
                "id": listed.device.id,
                "edge": listed.device.edge,
                "connected": CONNECTED[listed.liveness.word],
                "liveness": listed.liveness.word,
                "basis": listed.liveness.basis,
                "enabled": listed.device.enabled,
                "last_activity": listed.device.last_activity,
            }
            for listed in list_devices(hub, messages)
        ]
        call.table(("id", "edge", "enabled", "liveness", "basis", "last_activity"), rows)
        call.progress(hub.meter.note)
        return 0
