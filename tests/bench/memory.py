"""Growth of resident memory, console and recorder together, from 100,000 to 1,000,000 messages (links are replaced by count: each
keeps every tag).

``python tests/bench/memory.py [--first N] [--last N]``: the real console in a pty follows them in its messages pane; each is of a
class of its own.
"""

from __future__ import annotations

import argparse
import re

from bench_lab import bench_lab, report, resident_mb
from pty_console import PtyConsole, console

from services.messages.journal.location import Place
from services.messages.recorder.status import RecorderStatus

_PORTION = 50_000
_BODY = "({n} ms) The image p_{n}.jpg was classified as class PORTION-{n} with confidence 0.5."


def main() -> None:
    """Feed in portions, so that the lab's retention is never overrun."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=100_000)
    parser.add_argument("--last", type=int, default=1_000_000)
    options = parser.parse_args()
    with bench_lab() as lab, console(lab) as found:
        seen: dict[int, dict[str, float]] = {}
        sent = 0
        while sent < options.last:
            lab.inject(_PORTION, body=_BODY.replace("PORTION", str(sent)))
            sent += _PORTION
            found.until(lambda text, sent=sent: kept(text) >= sent, 120)
            seen[sent] = {"console": resident_mb(found.process.pid), "recorder": resident_mb(recorder(found))}
    together = {count: sum(sizes.values()) for count, sizes in seen.items()}
    first = min((count for count in seen if count >= options.first), default=min(seen))
    report(
        "growth of resident memory, console and recorder, MB",
        round(max(size for count, size in together.items() if count >= first) - together[first], 1),
        "<= 20",
        at={str(count): {name: round(size, 1) for name, size in sizes.items()} for count, sizes in seen.items()},
        first=first,
        last=sent,
        terminal="80x24",
        classes=sent,
    )


def recorder(found: PtyConsole) -> int:
    """The recorder's process."""
    status = RecorderStatus.read(Place(next(found.home.rglob("*.journal"))).status)
    assert status is not None
    return status.pid


def kept(text: str) -> int:
    """How many messages the journal holds, as the screen says."""
    said = re.search(r"([\d,]+) kept", text)
    return int(said.group(1).replace(",", "")) if said else 0


if __name__ == "__main__":
    main()
