"""The recorder's process: ``python -m services.messages.recorder``, started by a console (``services.messages.recorder.handle``)."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from services.contexts.children import forbid_core_dumps
from services.files import open_private
from services.messages.journal.location import Place
from services.messages.recorder.settings import Settings
from services.messages.recorder.status import ANOTHER_RUNS
from services.messages.recorder.wait_for import wait_without_a_task


def main() -> int:
    """Run the recorder, with settings as JSON on standard input; return 0 when it was told to end, 3 where another one runs."""
    forbid_core_dumps()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for name in ("azure", "uamqp", "azure.eventhub"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = Settings.from_json(sys.stdin.read())
    place = Place(settings.journal)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open_private(place.recorder_lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ANOTHER_RUNS
        from services.messages.recorder.recording import Recording

        # A message is some hundred objects that die with their last reference; looking for cycles among them after every 700
        # is work for nothing.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        _run(Recording(settings).run())
    return 0


def _run(recording: Coroutine[Any, Any, None]) -> None:
    wait_without_a_task()
    # With asyncio's own loop its timers (one for each frame that azure-eventhub 5.15.1 reads) and TLS take more of the processor.
    try:
        import uvloop
    except ImportError:  # a platform that it has no wheel for: the same, slower
        asyncio.run(recording)
    else:
        uvloop.run(recording)


if __name__ == "__main__":
    sys.exit(main())
