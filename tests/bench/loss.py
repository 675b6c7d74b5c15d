"""Lost or doubled of 200,000, while the connection is cut every few seconds and recorder and console are killed again and again.

``python tests/bench/loss.py [--messages N] [--cut SECONDS] [--kill SECONDS]``
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench_lab import bench_lab, report
from pty_console import home_of

from services.messages.handle import running
from services.messages.place import Place
from services.messages.status import RecorderStatus


def main() -> None:
    """Send, cut, kill; then compare what the journal holds with what the hub was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=4_000)
    parser.add_argument("--cut", type=float, default=3.0)
    parser.add_argument("--kill", type=float, default=8.0)
    parser.add_argument("--patience", type=float, default=240.0)
    options = parser.parse_args()
    kills = 0
    with bench_lab() as lab, home_of(lab) as home:
        console = _console(home)
        place = _place(home)
        path = place.journal
        lab.call("faults", {"name": "cut", "every": options.cut})
        sending = threading.Thread(target=lab.inject, args=(options.messages,), kwargs={"rate": options.rate})
        begun = time.monotonic()
        sending.start()
        killed_at = begun
        while time.monotonic() - begun < options.patience:
            if not sending.is_alive() and kills >= 3 and count(path) >= options.messages:
                break
            if time.monotonic() - killed_at > options.kill and (sending.is_alive() or kills < 3):
                console.kill()
                console.wait()
                status = RecorderStatus.read(place.status)
                if status is not None and running(place):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(status.pid, signal.SIGKILL)
                kills += 1
                console = _console(home)
                _place(home)
                killed_at = time.monotonic()
            if not sending.is_alive() and kills >= 3:
                lab.call("faults", {"name": "cut", "on": False})
            time.sleep(0.2)
        sending.join()
        world = lab.call("world")["partitions"]
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = connection.execute(
            "SELECT partition, count(*), count(DISTINCT message.sequence) FROM message JOIN part ON part.id = part"
            " GROUP BY generation, partition"
        ).fetchall()
        connection.close()
        console.terminate()
        console.wait(30)
        while running(place):
            time.sleep(0.1)
    held = {int(row[0]): row[1:] for row in rows}
    lost = sum(part["next"] - held.get(number, (0, 0))[1] for number, part in enumerate(world))
    doubled = sum(row[0] - row[1] for row in held.values())
    report(
        "lost or doubled",
        lost + doubled,
        "0",
        lost=lost,
        doubled=doubled,
        messages=options.messages,
        kills=kills,
        cut_every=options.cut,
    )


def _console(home: Path) -> subprocess.Popen[bytes]:
    """A console without a screen, as ``dbe-console record`` runs it: a process of its own, which its recorder is attached to."""
    return subprocess.Popen(
        [sys.executable, "-m", "console", "record", "--from", "beginning"],
        env={**os.environ, "DBE_CONSOLE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _place(home: Path) -> Place:
    """Where its journal lies, once its recorder runs."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in home.rglob("*.journal"):
            if running(Place(path)):
                return Place(path)
        time.sleep(0.1)
    raise RuntimeError("the recorder did not start")


def count(path: object) -> int:
    """Rows of the journal."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])
    finally:
        connection.close()


if __name__ == "__main__":
    main()
