"""Text filter: the matches among the newest 100,000 rows, parsed and ready for the screen; and the first portion of the whole
journal.

``python tests/bench/filter_time.py [--rows N]``
"""

from __future__ import annotations

import argparse
import statistics
import time

from bench_lab import folder, report

from services.messages.filters import Filter
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.journal.window import Window
from services.messages.parsing.parse import derive

NEWEST = 100_000


def fill(journal: Journal, rows: int, padding: int = 200) -> None:
    """Rows as the sample client sends them, about 300 bytes."""
    part = journal.part("bench", "bench", 0, "0")
    for start in range(0, rows, 5_000):
        messages = []
        for number in range(start, min(start + 5_000, rows)):
            body = f"({number % 90} ms) The image cat_{number}.jpg was classified as tabby cat with confidence 0.8723.".encode()
            kind, ms, confidence, label, text, _ = derive(body)
            origin = ("databox-edge-1", "", "", "", "{}")
            body += b" " * padding
            messages.append(
                RawMessage(number, 1_790_000_000_000 + number, origin, kind, ms, confidence, label, "", text, body, None, None)
            )
        journal.append([Batch(part, messages)])


def main() -> None:
    """Time each kind of filter, the median of five; a filter without any match is the worst case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    options = parser.parse_args()
    journal = Journal(folder() / "filter.journal")
    fill(journal, options.rows)
    window = Window(journal.path)
    begun = time.perf_counter()
    window.newest(200, looking_at=NEWEST)
    baseline = (time.perf_counter() - begun) * 1000
    found = {}
    for text in (
        "nothing like it",
        f"cat_{options.rows - 90_000}.",
        "class:zebra",
        "confidence>0.9",
        "/cat_\\d+7\\.png/",
        "/[0-9]{9}/",
        "/000[.]jpg/",
        "tabby",
    ):
        where = Filter.parse(f'"{text}"' if " " in text else text)
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            window.newest(200, where, looking_at=NEWEST)
            times.append((time.perf_counter() - begun) * 1000)
        found[text] = round(statistics.median(times), 1)
    begun = time.perf_counter()
    list(window.search(Filter.parse("nothing")))
    whole = time.perf_counter() - begun
    report(
        "text filter among the newest 100,000 rows, ms",
        found["nothing like it"],
        "<= 100",
        each=found,
        baseline_no_filter=round(baseline, 1),
        rows=options.rows,
        whole_journal_seconds=round(whole, 2),
        body_bytes=300,
    )


if __name__ == "__main__":
    main()
