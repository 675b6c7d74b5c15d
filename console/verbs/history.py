"""``dbe-console history``: who changed what, when, and how it went."""

from __future__ import annotations

import argparse

from console.call import Call
from console.verbs._names import DeviceName

HELP = "list the deployments made from here, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``[ENTRY]``, filters, ``--json``."""
    parser.add_argument("entry", nargs="?", type=int, help="show this entry's difference")
    parser.add_argument("--device", action=DeviceName, default="", help="only this device's")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="the newest N (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON list, or object")


def run(call: Call) -> int:
    """Print a table, or one entry."""
    from services.deployment.diff import diff
    from services.deployment.history import History

    history = History()
    if call.options.entry is None:
        rows = [entry.as_dict() for entry in history.entries(device=call.options.device, limit=max(call.options.limit, 1))]
        for row in rows:
            row["at"] = str(row["at"])[:19] if not call.as_json else row["at"]
        call.table(("id", "at", "user", "origin", "device", "route", "summary", "outcome"), rows)
        return 0
    entry = history.entry(call.options.entry)
    lines = diff(entry.before, entry.after)
    if call.as_json:
        call.out_json({**entry.as_dict(), "diff": [f"{line.sign} {line.text}" for line in lines]})
        return 0
    for name, value in entry.as_dict().items():
        call.out(f"{name}: {'' if value is None else value}")
    for line in lines:
        call.out(f"{line.sign} {line.text}")
    return 0
