"""Growth of the recorder's resident memory from 100,000 to 1,000,000 messages (links are replaced by count: each keeps every
tag).

``python tests/bench/memory.py [--first N] [--last N]``; a reader that shows the newest rows, as the stream pane does, is
measured along.
"""

from __future__ import annotations

import argparse
import time

from bench_lab import bench_lab, context, folder, report, resident_mb

from services.messages.recorder import ensure_recorder
from services.messages.settings import Start
from services.messages.window import Window

_PORTION = 50_000


def main() -> None:
    """Feed in portions, so that the lab's retention is never overrun."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100_000)
    parser.add_argument("--last", type=int, default=1_000_000)
    options = parser.parse_args()
    with bench_lab() as lab:
        handle = ensure_recorder(context(), lab.endpoint, Start("beginning"), folder=folder())
        window = Window(handle.journal_path)
        seen: dict[int, float] = {}
        sent = 0
        while sent < options.last:
            lab.inject(_PORTION)
            sent += _PORTION
            while window.bounds()[1] < sent:
                window.newest(200)
                time.sleep(0.1)
            seen[sent] = resident_mb(handle.status().pid) + resident_mb()
        handle.close()
    first = min((count for count in seen if count >= options.first), default=min(seen))
    growth = round(max(seen.values()) - seen[first], 1)
    report(
        "growth of resident memory, recorder and reader, MB",
        growth,
        "<= 20",
        at={str(count): round(size, 1) for count, size in seen.items()},
        first=first,
        last=sent,
    )


if __name__ == "__main__":
    main()
