"""Bytes to the terminal a second: idle, at 1,000 messages a second, and the same with ``--slow-link``; 80×24, messages pane.

``python tests/bench/terminal_bytes.py [--rate N] [--seconds S]``
"""

from __future__ import annotations

import argparse
import time

from bench_lab import BenchLab, bench_lab, processor_seconds, report
from pty_console import PtyConsole, console


def measure(lab: BenchLab, rate: float, seconds: float, *arguments: str) -> dict[str, float]:
    """KiB a second while messages come, idle bytes, and the processor's share in both."""
    with console(lab, *arguments) as found:
        end = time.monotonic() + 60
        while found.next(12.0) is not None and time.monotonic() < end:
            continue  # the other panes settle, and the rate of what came in the last ten seconds goes down to nothing
        idle, used = _span(found, 60)
        with lab.stream(rate):
            found.pump(3)
            busy, used_busy = _span(found, seconds)
    return {
        "kib_a_second": round(busy / 1024, 1),
        "idle_bytes_a_second": round(idle, 1),
        "processor_percent": round(used_busy, 1),
        "idle_processor_percent": round(used, 2),
    }


def _span(found: PtyConsole, seconds: float) -> tuple[float, float]:
    before, used, begun = found.written, processor_seconds(found.process.pid), time.monotonic()
    found.pump(seconds, draw=False)
    passed = time.monotonic() - begun
    return (found.written - before) / passed, (processor_seconds(found.process.pid) - used) / passed * 100


def main() -> None:
    """Measure the plain console and the one for slow lines on one lab."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with bench_lab() as lab:
        plain = measure(lab, options.rate, options.seconds)
        slow = measure(lab, options.rate, options.seconds, "--slow-link")
    report(
        "bytes to the terminal, KiB/s",
        plain["kib_a_second"],
        "<= 40, --slow-link <= 8, idle 0",
        plain=plain,
        slow_link=slow,
        terminal="80x24",
        messages_a_second=options.rate,
    )


if __name__ == "__main__":
    main()
