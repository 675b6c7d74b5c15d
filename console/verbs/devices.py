"""``dbe-console devices``: the hub's devices."""

from __future__ import annotations

import argparse

from console.call import Call

HELP = "list the hub's devices, IoT Edge devices first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--json`` alone."""
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(call: Call) -> int:
    """Print a table, or a list."""
    from services.hub.client import Hub

    context = call.context()
    rows = [
        {
            "id": device.id,
            "edge": device.edge,
            "connected": device.connected,
            "enabled": device.enabled,
            "last_activity": device.last_activity,
        }
        for device in Hub.open(context).devices()
    ]
    call.table(("id", "edge", "connected", "enabled", "last_activity"), rows)
    return 0
