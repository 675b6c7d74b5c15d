"""Growth of the lab's own resident memory over ten minutes of 200 messages a second of 1 KiB: kept for a day, bounded in bytes.

``python tests/bench/lab_memory.py [--messages N]``: fed as fast as they go, for what a message costs does not depend on its rate.
"""

from __future__ import annotations

import argparse

from bench_lab import bench_lab, report, resident_mb

_PORTION = 20_000
_BODY = "{n} " + "x" * 1018


def main() -> None:
    """Feed one device's partition and look at the lab's process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=120_000)
    options = parser.parse_args()
    with bench_lab() as lab:
        pid = int(lab.info["pid"])
        sizes = [resident_mb(pid)]
        for start in range(0, options.messages, _PORTION):
            lab.inject(min(_PORTION, options.messages - start), body=_BODY, partition=0)
            sizes.append(resident_mb(pid))
    report(
        "growth of the lab's resident memory, MB",
        round(max(sizes) - sizes[0], 1),
        "<= 200",
        at=[round(size, 1) for size in sizes],
        messages=options.messages,
        bytes=1024,
    )


if __name__ == "__main__":
    main()
