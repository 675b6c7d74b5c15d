"""``python -m services.lab --folder DIR``: the lab as a process of its own.

One JSON line (LabInfo) on standard output when everything listens; it ends on SIGTERM, SIGINT or SIGHUP, and with
``--with-parent`` also when its standard input closes, so that it never outlives who started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from services.lab.address import AddressError
from services.lab.faults import FAULT
from services.lab.run import Lab

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.lab", description=__doc__)
    parser.add_argument("--folder", type=Path, help="the run's own folder (a temporary one that goes with it, if not given)")
    parser.add_argument("--address", default="", help="the loopback address to take instead of a free one")
    parser.add_argument("--nonce", default="", help="the end of every name instead of a random one")
    parser.add_argument("--fault", action="append", default=[], metavar=FAULT, help="a fault to start with; may be repeated")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    return parser.parse_args()


async def _serve(options: argparse.Namespace, folder: Path) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in _ENDS:
        loop.add_signal_handler(number, ended.set)
    if options.with_parent:

        def watch() -> None:
            while os.read(0, 4096):  # not sys.stdin, whose lock a daemon thread would still hold at exit
                pass
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=watch, daemon=True).start()
    lab = Lab(folder, options.address, options.nonce)
    await lab.start()
    try:
        for text in options.fault:
            lab.world.faults.switch_text(text)
        sys.stdout.write(json.dumps(lab.info()) + "\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await lab.close()
        # The loop's handlers end with it: a second Ctrl-C must not keep the folder, with its secrets, from going.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)


def main() -> int:
    """Run until told to end; 1 when the lab cannot be had, with the reason on standard error."""
    options = _arguments()
    try:
        if options.folder is not None:
            asyncio.run(_serve(options, options.folder))
        else:
            with tempfile.TemporaryDirectory(prefix="dbe-console-lab-", ignore_cleanup_errors=True) as folder:
                asyncio.run(_serve(options, Path(folder)))
    except (AddressError, OSError, ValueError) as error:
        sys.stderr.write(f"The lab cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
