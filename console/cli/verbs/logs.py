"""``dbe-console logs MODULE``: a module's log by the edge agent."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterable
from typing import Any

from console.cli.output import Call
from console.cli.verbs._names import DeviceName, ModuleName
from console.cli.verbs._numbers import whole_number
from services.errors import UsageError
from services.operations.logs import fetch, follow
from services.text import counted

HELP = "show a module's log, or several merged by time (edgeAgent and edgeHub too)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "module",
        action=ModuleName,
        nargs="*",
        help="the module; edgeAgent or edgeHub for the runtime's own. Several are read in one call, and merged by time",
    )
    parser.add_argument("--all", action="store_true", help="every module of the device, in one call")
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument(
        "--tail", type=whole_number(1, 1_000_000), default=100, metavar="N", help="the last N lines (default 100)"
    )
    parser.add_argument("--since", default="", metavar="TIME", help="from an ISO time, or a span before now such as 10m")
    parser.add_argument("--until", default="", metavar="TIME", help="up to an ISO time or a span before now")
    parser.add_argument(
        "--level", type=int, choices=range(8), metavar="0-7", help="only lines of this syslog level (3 error, 4 warning, 6 info)"
    )
    parser.add_argument("--grep", default="", metavar="RE", help="only lines that match this regular expression, on the device")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C; every look is a metered call")
    parser.add_argument("--timestamps", action="store_true", help="write each line's time")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(call: Call) -> int:
    """Print the lines, oldest first."""
    options = call.options
    context = call.context()
    device = options.device or context.device
    if not device:
        raise UsageError("No device is named.", remedy="Give --device, or set one in the context.", code="usage.device")
    if options.follow and options.until:
        raise UsageError("--follow has no --until.", remedy="Leave one of them out.", code="usage.follow")
    if bool(options.module) == options.all:
        raise UsageError(
            "Name modules or give --all, not both." if options.all else "No module is named.",
            remedy="dbe-console modules lists them; edgeAgent and edgeHub are the runtime's own.",
            code="usage.module",
        )
    modules = options.module[0] if len(options.module) == 1 else options.module
    with call.session() as session:
        hub = session.hub
        filters = {"tail": options.tail, "since": options.since, "level": options.level, "regex": options.grep}
        halved: list[int] = []
        lines: Iterable[Any]
        if options.follow:
            lines = follow(
                hub, device, modules, threading.Event(), halved=halved.append, timeless=lambda: _timeless(call), **filters
            )
        else:
            lines = fetch(hub, device, modules, until=options.until, halved=halved.append, **filters)
        for line in lines:
            if halved:  # which ends with the first answer
                call.progress(f"Too much for one answer of the device: asked for the last {counted(halved[-1], 'line')} instead.")
                halved.clear()
            _print(call, line)
        return 0


def _timeless(call: Call) -> None:
    call.progress(
        "The device's container engine finds no line by its time: followed by the last lines alone; some may be missed."
    )


def _print(call: Call, line: Any) -> None:
    if call.as_json:
        time = line.time.isoformat() if line.time else None
        module = {"module": line.module} if line.module else {}
        call.out_json({"time": time, "level": line.level, **module, "text": line.text})
        return
    timed = call.options.timestamps and line.time
    parts = [line.time.replace(tzinfo=None).isoformat(" ", "milliseconds")] if timed else []
    parts += [f"{line.module}:"] if line.module else []
    call.out(" ".join([*parts, line.text]))
