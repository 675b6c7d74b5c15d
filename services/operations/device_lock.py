"""Consoles of one machine take turns at a device: two that read, compared and applied at once would overwrite each other."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator

from services.contexts.paths import state_folder
from services.errors import OperatorError
from services.files import FileError, open_private, private_folder
from services.records import Progress

_PATIENCE = 60.0  # seconds: an apply with its verification takes about ten at most, beside a hub that hangs


@contextlib.contextmanager
def device_lock(
    host: str, device: str, progress: Callable[[Progress], None] | None = None, patience: float = _PATIENCE
) -> Iterator[None]:
    """Hold a device of a hub for this console alone.

    ``progress`` hears that another console has it.
    """
    name = hashlib.sha256(f"{host.lower()}/{device}".encode()).hexdigest()[:32]
    try:
        file = open_private(private_folder(state_folder() / "locks") / name)
    except FileError as error:
        raise OperatorError(
            f"Nothing was sent to {device}: this console cannot keep others from it.",
            cause=f"{state_folder()}: {error.cause}",
            remedy="Make the folder writable, or name another by DBE_CONSOLE_HOME.",
            code="deployment.lock",
        ) from error
    with file:
        until = time.monotonic() + patience
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting and progress is not None:
                    progress(Progress(f"another console is changing {device}; waiting for it"))
                waiting = True
                if time.monotonic() > until:
                    raise OperatorError(
                        f"Another console of this machine has been changing {device} for {patience:.0f} s; nothing was sent.",
                        remedy="See who: dbe-console history; then try again.",
                        code="deployment.busy",
                    ) from None
                time.sleep(0.1)
        yield
