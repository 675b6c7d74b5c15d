"""``dbe-console history``: who changed what, when, and how it went."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._names import DeviceName
from console.cli.verbs._numbers import MOST_ROWS, whole_number
from services.errors import OperatorError
from services.names import hub_name
from services.operations.history import difference, open_history
from services.times import now

HELP = "list the deployments made from here, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("entry", nargs="?", type=whole_number(1, MOST_ROWS), help="show this entry's difference")
    parser.add_argument("--device", action=DeviceName, default="", help="only this device's")
    parser.add_argument("--all", action="store_true", help="those of other hubs, too")
    parser.add_argument("--limit", type=whole_number(1, MOST_ROWS), default=50, metavar="N", help="the newest N (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON list, or object")


def run(call: Call) -> int:
    """Print a table, or one entry."""
    history = open_history()
    if call.options.entry is None:
        host = "" if call.options.all else _hub_host(call)
        entries = history.entries(host=host, device=call.options.device, limit=call.options.limit)
        rows = [entry.as_dict() for entry in entries]
        if not call.as_json:
            year = f"{now():%Y-}"
            rows = [{**row, "at": str(row["at"])[:16].removeprefix(year), "hub": hub_name(row["host"])} for row in rows]
        call.table(("id", "at", "user", "hub", "device", "summary", "outcome"), rows)
        return 0
    entry = history.entry(call.options.entry)
    lines = difference(entry)
    if call.as_json:
        call.out_json({**entry.as_dict(), "diff": [f"{line.sign} {line.text}" for line in lines]})
        return 0
    for name, value in entry.as_dict().items():
        call.out(f"{name}: {'' if value is None else value}")
    for line in lines:
        call.out(f"{line.sign} {line.text}")
    return 0


def _hub_host(call: Call) -> str:
    """Return the host of the context's hub; empty without a context, when the whole history is all that there is to show."""
    try:
        hub = call.context().hub
    except OperatorError:
        if getattr(call.options, "context", None):  # one was named
            raise
        return ""
    return hub.host if hub is not None else ""
