"""From a fault to its named cause on a console that nobody touches: no key is pressed but the pane's number; prints JSON.

What an operator waits for: the agent's or the client's own delay, the console's next reading (``limits.modules_every``, 30 s) or what
it hears of the clients before that, and the recorder's next word.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench_lab import BenchLab, bench_lab, report
from fault_to_cause import DEVICE, HOST, mend, on_the_host, words
from pty_console import PtyConsole, home_of

from services.hub.client import Hub

# fault, its place, parameters, the pane that is looked at, what stands on the screen
FAULTS: list[tuple[str, dict[str, str], dict[str, Any], str, str]] = [
    ("crash", {"device": DEVICE, "module": HOST}, {"exit_code": 139}, "2", "segmentation fault"),
    ("pull-unauthorized", {"device": DEVICE, "module": HOST}, {}, "2", "the registry refuses the pull"),
    ("no-fpga", {"device": DEVICE, "module": HOST}, {}, "2", "no such FPGA device"),
    ("port-taken", {"device": DEVICE, "module": HOST}, {}, "2", "HostPort 50051 is taken"),
    ("unhealthy", {"device": DEVICE, "module": HOST}, {}, "2", "its health check fails"),
    ("host-gone", {"device": DEVICE, "module": HOST}, {}, "2", "port closes every connection|nothing listens at the host"),
    ("flashing", {"device": DEVICE, "module": HOST}, {}, "2", "is flashing the FPGA"),
    ("wrong-tensors", {"device": DEVICE, "module": HOST}, {}, "2", "tensor names are wrong"),
    (
        "host-slow",
        {"device": DEVICE, "module": HOST},
        {},
        "2",
        "No answer before the deadline|does not answer the client in time",
    ),
    ("network", {"device": DEVICE}, {}, "2", "does not get through"),
    ("offline", {"device": DEVICE}, {}, "2", "no identity is connected"),
    ("agent-stopped", {"device": DEVICE}, {}, "2", "agent (is|has) (not running|stopped)|agent stopped"),
    ("duplicates", {"device": DEVICE}, {}, "2", "contested"),
    ("too-many-readers", {}, {}, "4", "readers"),
    ("link-stolen", {}, {}, "4", "higher epoch|another reader"),
    ("cut", {}, {}, "4", "reconnect"),
    ("refuse", {}, {}, "4", "refuse"),
    ("freeze", {}, {}, "4", "does not answer|silent"),
    ("expire", {}, {}, "2", "refuses"),
    ("throttle", {}, {}, "2", "throttl"),
    ("quota", {}, {}, "2", "used up"),
    ("unauthorized", {}, {}, "2", "refuses"),
    ("hub-freeze", {}, {}, "2", "does not answer"),
    ("skew", {}, {}, "2", "clock"),
]


def seen(console: PtyConsole, text: str) -> bool:
    """Whether the words stand on the screen."""
    return re.search(text, words(console), re.IGNORECASE) is not None


def wait(console: PtyConsole, text: str, there: bool, seconds: float) -> float:
    """Seconds until the words stand there (or stand there no more); -1 where they do not within ``seconds``."""
    began = time.monotonic()
    while seen(console, text) != there:
        if time.monotonic() - began > seconds:
            return -1.0
        console.pump(0.1)
    return round(time.monotonic() - began, 1)


def one(
    lab: BenchLab, hub: Hub, console: PtyConsole, row: tuple[str, dict[str, str], dict[str, Any], str, str], keep: Path | None
) -> Any:
    """A fault on and off again: seconds until it is named, and until nothing is said of it any more."""
    name, where, more, pane, text = row
    console.press(pane)
    console.pump(1.5)
    if seen(console, text):
        return {"named": None, "gone": None, "before": "stood there already"}
    lab.call("faults", {"name": name, "on": True, **where, **more})
    named = wait(console, text, True, 90)
    if keep is not None:
        console.pump(1)
        (keep / f"{name}.txt").write_text(console.text())
    lab.call("faults", {"name": name, "on": False, **where})
    mend(hub)
    gone = wait(console, text, False, 90) if named >= 0 else None
    if keep is not None:
        (keep / f"{name}.after.txt").write_text(console.text())
    return {"named": named, "gone": gone}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names, with commas between")
    parser.add_argument("--screens", type=Path, help="keep what stood there in this folder")
    options = parser.parse_args()
    only = set(filter(None, options.only.split(",")))
    figures: dict[str, Any] = {}
    with bench_lab() as lab, home_of(lab) as home, on_the_host(lab, home) as (hub, console):
        console.pump(20)  # the client has its habits by then
        for row in FAULTS:
            if not only or row[0] in only:
                figures[row[0]] = one(lab, hub, console, row, options.screens)
                sys.stderr.write(f"{row[0]} {figures[row[0]]}\n")
    named = [figure["named"] for figure in figures.values() if (figure["named"] or -1) >= 0]
    report(
        "seconds from a fault to its named cause on a console that nobody touches, median",
        statistics.median(named) if named else -1.0,
        "30 at most",
        faults=figures,
        most=max(named, default=-1.0),
        configuration="80x24, no key pressed; a reading every 30 s (limits.modules_every)",
    )


if __name__ == "__main__":
    main()
