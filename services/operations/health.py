"""Read how a device's messages are, from the journal, for whoever has no console open that listens."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.errors import OperatorError
from services.messages.health.statistics import Health
from services.messages.recorder.handle import ensure_recorder
from services.messages.start import Start
from services.operations.session import Session

_LOOK = 0.1
PATIENCE = 15.0  # seconds for which the hub's backlog of two windows is waited for


def read_health(
    session: Session,
    seconds: int,
    device: str = "",
    patience: float = PATIENCE,
    progress: Callable[[str], None] = lambda text: None,
) -> Health:
    """Return the last ``seconds`` beside those before them, all rows counted; of all devices where ``device`` is empty.

    What the hub still has of both is fetched first; ``progress`` is told where that takes longer than ``patience`` seconds.
    Raises OperatorError, also where nothing can be received.
    """
    begin = Start("time", int((time.time() - 2 * seconds) * 1000))
    handle = ensure_recorder(session.context, session.endpoint(), begin)
    try:
        session.messages.open()
        until = time.monotonic() + patience
        while not (status := handle.status()).up_to_date:
            if status.state in ("failed", "disk") and status.error:
                raise OperatorError(**status.error)
            if time.monotonic() > until:
                progress("Not all messages have come from the hub yet: the newest may be missing.")
                break
            time.sleep(_LOOK)
        while (health := session.messages.health(seconds, device)).counted < 1:
            pass  # each look takes a bounded time and goes on where the last one ended
        return health
    finally:
        handle.close()
