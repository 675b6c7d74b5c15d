"""Lost or doubled while the lab's faults come and go at random: numbered messages are sent all the while, and compared at the end.

``python tests/bench/mixed_faults.py [--minutes N] [--rate N] [--seed N]``; the figure counts messages that the journal misses or
holds twice once the faults are off. ``recovered_seconds`` is how long the recorder then took to receive again and hold them all.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench_lab import BenchLab, bench_lab, context, folder, report

from services.messages.handle import RecorderHandle, ensure_recorder
from services.messages.start import Start

FAULTS: dict[str, dict[str, Any]] = {
    "cut": {"every": 1.5},
    "freeze": {},
    "refuse": {},
    "slow": {"seconds": 0.7},
    "link-stolen": {},
    "too-many-readers": {},
    "expire": {},
    "hub-500": {},
    "throttle": {},
}
_PATIENCE = 180.0


def main() -> None:
    """Send, make faults, wait, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    with bench_lab() as lab:
        handle = ensure_recorder(context(), lab.endpoint, Start("beginning"), folder=folder())
        first = handle.status().pid
        ended = threading.Event()
        sent: list[int] = []
        sending = threading.Thread(target=send, args=(lab, options.rate, ended, sent))
        sending.start()
        made = faults(lab, random.Random(seed), options.minutes * 60)
        ended.set()
        sending.join()
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE:
            status = handle.status()
            if status.state == "receiving" and status.error is None and len(held(handle)) >= len(sent):
                break
            time.sleep(0.5)
        recovered = round(time.monotonic() - begun, 1)
        status, found = handle.status(), Counter(held(handle))
        handle.close()
    lost = [number for number in sent if number not in found]
    doubled = [number for number, times in found.items() if times > 1]
    report(
        "lost or doubled under mixed faults",
        len(lost) + len(doubled),
        "0",
        lost=len(lost),
        doubled=len(doubled),
        messages=len(sent),
        minutes=options.minutes,
        faults=dict(made),
        seed=seed,
        recovered_seconds=recovered,
        state=status.state,
        reconnects=status.reconnects,
        same_recorder=status.pid == first,
    )
    if lost or doubled or status.state != "receiving":
        sys.exit(1)


def send(lab: BenchLab, rate: int, ended: threading.Event, sent: list[int]) -> None:
    """``rate`` numbered messages a second, into all partitions."""
    while not ended.is_set():
        numbers = range(len(sent), len(sent) + rate)
        lab.call(
            "messages", {"count": rate, "bodies": [f"number {n}" for n in numbers], "partition": "spread", "rate": float(rate)}
        )
        sent += numbers


def faults(lab: BenchLab, chance: random.Random, seconds: float) -> Counter[str]:
    """Up to three faults at once, each for some seconds, now and then none; how often each was made."""
    made: Counter[str] = Counter()
    on: dict[str, float] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name in [name for name, end in on.items() if time.monotonic() > end]:
            lab.call("faults", {"name": name, "on": False})
            del on[name]
        name = chance.choice(list(FAULTS))
        if name not in on and len(on) < 3 and chance.random() < 0.4:
            lab.call("faults", {"name": name, "on": True, **FAULTS[name]})
            on[name] = time.monotonic() + chance.uniform(1, 12)
            made[name] += 1
        time.sleep(chance.uniform(0.5, 2.5))
    for name in on:
        lab.call("faults", {"name": name, "on": False})
    return made


def held(handle: RecorderHandle) -> list[int]:
    """The numbers that the journal holds."""
    path: Path = handle.journal_path
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return [int(body.split()[1]) for (body,) in connection.execute("SELECT body FROM message")]
    finally:
        connection.close()


if __name__ == "__main__":
    main()
