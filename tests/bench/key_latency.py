"""Key press to repaint in ms while messages come, in the messages pane of the real console in a pty.

``python tests/bench/key_latency.py [--rate N] [--keys N]``. Paused: j and k move the cursor, and the answer is the frame in which
the cursor's row is another one. Following: / opens the filter's line over the running stream and Enter closes it. The same keys
without messages are the baseline. Each read is drawn (pyte) to tell what else is written from the answer; that takes longer than a
terminal would, and is not in the figure: a read has the time at which a thread of its own had it.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from bench_lab import BenchLab, bench_lab, report
from pty_console import PtyConsole, console

HINT = "device:x class:dog"  # what the empty filter line says


def cursor_row(found: PtyConsole) -> int:
    """The screen's row that has a background of its own in the stream; -1 where there is none."""
    grounds = {row: found.screen.buffer[row][10].bg for row in range(3, 21)}
    common = max(grounds.values(), key=list(grounds.values()).count)
    return next((row for row, ground in grounds.items() if ground != common), -1)


def moving(found: PtyConsole) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Keys that move the cursor, each with what tells that it was moved."""
    for key in cycle("kkkkjjjj"):
        before = cursor_row(found)
        yield key, lambda before=before: cursor_row(found) not in (before, -1)


def opening(found: PtyConsole) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Keys that open and close the filter's line."""
    while True:
        yield "/", lambda: HINT in found.text()
        yield "\r", lambda: HINT not in found.text()


def latencies(found: PtyConsole, keys: Iterator[tuple[str, Callable[[], bool]]], count: int) -> list[float]:
    """Milliseconds from each key to when the last piece of its answer could be read."""
    times = []
    for _ in range(count):
        found.pump(0.14)
        key, answered = next(keys)
        begun = time.perf_counter()
        found.press(key)
        at = begun
        while not answered():
            if time.perf_counter() - begun > 10:
                raise RuntimeError(f"no answer to {key!r}:\n{found.text()}")
            at = found.next(0.5) or at
        times.append((at - begun) * 1000)
    return sorted(times)


def measure(lab: BenchLab, rate: float, keys: int, *arguments: str) -> dict[str, dict[str, float]]:
    """Without messages, then with them, in one console."""
    with console(lab, *arguments) as found:
        lab.inject(2_000)
        found.until(lambda text: re.search(r"[2-9],\d{3} kept", text) is not None, 60)
        found.press(" ")
        found.pump(3)
        quiet_paused = latencies(found, moving(found), keys)
        found.press("f")
        found.until("following")
        quiet_following = latencies(found, opening(found), keys)
        found.press(" ")
        found.pump(1)
        with lab.stream(rate):
            found.pump(3)
            before, begun = kept(found), time.monotonic()
            paused = latencies(found, moving(found), keys)
            found.press("f")
            found.until("following")
            following = latencies(found, opening(found), keys)
            received = (kept(found) - before) / (time.monotonic() - begun)
    return {
        "paused": spread(paused),
        "paused_quiet": spread(quiet_paused),
        "following": spread(following),
        "following_quiet": spread(quiet_following),
        "received": {"a_second": round(received)},
    }


def main() -> None:
    """Measure and report; the figure is the worse of the two series, each beside the same keys on a quiet screen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--keys", type=int, default=100)
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)  # the thread that reads does not wait for the one that draws
    before = processor_taken()
    with bench_lab() as lab:
        found = measure(lab, options.rate, options.keys)
    taken, passed = (now - then for now, then in zip(processor_taken(), before, strict=True))
    report(
        "key press to repaint, p95 while messages come / p95 of the same keys on a quiet screen",
        round(max(found[kind]["p95"] / found[f"{kind}_quiet"]["p95"] for kind in ("paused", "following")), 2),
        "p95 <= 3 times, p99 <= 100 ms",
        **found,
        messages_a_second=options.rate,
        terminal="80x24",
        keys=options.keys,
        taken_by_the_hypervisor_percent=round(taken / passed * 100, 1),
    )


def processor_taken() -> tuple[int, int]:
    """What the hypervisor gave to others of the machine's processor time so far, and all of that time, in ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


def kept(found: PtyConsole) -> int:
    """How many messages the journal holds, as the screen says."""
    said = re.search(r"([\d,]+) kept", found.text())
    return int(said.group(1).replace(",", "")) if said else 0


def spread(times: list[float]) -> dict[str, float]:
    """Percentiles by rank, and the mean."""
    ranked = {f"p{percent}": round(times[max(0, -(-len(times) * percent // 100) - 1)], 1) for percent in (50, 95, 99)}
    return {**ranked, "mean": round(sum(times) / len(times), 1)}


if __name__ == "__main__":
    main()
