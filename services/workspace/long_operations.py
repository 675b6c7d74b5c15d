"""Operations of a workspace that take minutes: looked at until they have ended, or until the operator stops waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from services.errors import OperatorError, Stopped
from services.records import Progress
from services.text import one_line
from services.workspace import parse
from services.workspace.calls import Calls
from services.workspace.process import ChildFailed

Tell = Callable[[Progress], None]

ENDED = ("Succeeded", "Failed", "Cancelled", "Canceled", "TimedOut", "Unhealthy", "Healthy")


class Following:
    """Follows operations by ``calls``, with ``poll_seconds`` between two looks. Every method raises OperatorError."""

    def __init__(self, calls: Calls, poll_seconds: float) -> None:
        self._calls = calls
        self._poll_seconds = poll_seconds

    def operation(self, operation: str) -> dict[str, Any]:
        """Return how an operation of model management goes: its state, what it made, its error."""
        try:
            return dict(self._calls.look("operation", operation_id=operation))
        except OperatorError as error:
            if isinstance(error.__cause__, ChildFailed) and error.__cause__.status == 404:
                error.code = "workspace.operation-gone"
            raise

    def until_ended(
        self, look: Callable[[], dict[str, Any]], what: str, progress: Tell | None, cancelled: threading.Event | None
    ) -> dict[str, Any]:
        """Look until the state says that it has ended; gives what was seen then, or raises where that is no success."""
        last_state = ""
        while True:
            raw = look()
            state = one_line(raw.get("state", ""), 40)
            if state != last_state:
                last_state = state
                tell(progress, f"{what}: {state}")
            if state == "Succeeded":
                return raw
            if state in ENDED:
                reason = parse.error_text(raw.get("error"))
                raise OperatorError(
                    f"{what} ended with {state}.",
                    cause=reason or "The service gives no reason.",
                    remedy="Read the log, correct what it names, and try again.",
                    code="workspace.operation-failed",
                    raw=reason,
                )
            self.pause(cancelled, what)

    def pause(self, cancelled: threading.Event | None, what: str) -> None:
        """Wait for the next look; raises Stopped where the operator does not wait any more."""
        if (cancelled or threading.Event()).wait(self._poll_seconds):
            raise Stopped(
                f"{what} was left.",
                cause="You stopped waiting; the service works on.",
                remedy="The same command takes it up again.",
                code="workspace.left",
            )


def tell(progress: Tell | None, text: str) -> None:
    """Tell how far it is, where anybody listens."""
    if progress:
        progress(Progress(text))
