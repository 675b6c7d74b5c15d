"""A million messages that waited: how long until all are in the journal, and how long a search through them takes then.

``python tests/bench/backlog.py [--messages N] [--server lab|rhea]``
"""

from __future__ import annotations

import argparse
import time

from bench_lab import context, folder, processor_seconds, report
from throughput import server

from services.messages.filters import Filter
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.recorder.handle import ensure_recorder
from services.messages.start import Start


def main() -> None:
    """Drain once, then search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--server", choices=("lab", "rhea"), default="lab")
    options = parser.parse_args()
    with server(options.server, options.messages) as endpoint:
        begun = time.perf_counter()
        handle = ensure_recorder(context(), endpoint, Start("beginning"), folder=folder())
        journal = Journal(handle.journal_path, read_only=True)
        first = 0.0
        try:
            while (rows := journal.bounds()[1]) < options.messages:
                if rows and not first:
                    first = time.perf_counter() - begun
                time.sleep(0.05)
            seconds = time.perf_counter() - begun
            cost = processor_seconds(handle.status().pid)
            window = Window(handle.journal_path)
            searched = time.perf_counter()
            matches = window.count(Filter.parse("confidence"))
            searched = time.perf_counter() - searched
            window.close()
        finally:
            journal.close()
            handle.close()
    report(
        "seconds until a backlog is in the journal",
        round(seconds, 1),
        "<= 90 for 1,000,000 of 300 bytes",
        first_message_seconds=round(first, 2),
        recorder_processor_seconds=round(cost, 1),
        count_of_a_text_seconds=round(searched, 2),
        matches=matches,
        messages=options.messages,
        server=options.server,
    )


if __name__ == "__main__":
    main()
