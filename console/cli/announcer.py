"""Watch the device from a thread while the linear mode waits for a line, and say what changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.errors import OperatorError
from services.operations.changes import WINDOW, Change, DeviceChanges, StreamChanges
from services.operations.client_monitor import ClientMonitor
from services.operations.session import Session
from services.records import DeviceState, Finding

_LOOK = 2.0  # seconds between two looks at what the clients say, which cost nothing
_STREAM = 5  # of these looks for one at how the messages are
_Answer = TypeVar("_Answer")


class Announcer:
    """Reads one device every ``limits.modules_every`` seconds, and its clients' messages more often."""

    def __init__(self, session: Session, device: str, say: Callable[[Sequence[str]], None]) -> None:
        self._session, self._device, self._say = session, device, say
        self._changes, self._stream, self._monitor = DeviceChanges(), StreamChanges(), ClientMonitor()
        self._complaints: Sequence[Finding] = ()
        self._errors: dict[Callable[..., object], str] = {}  # what failed at its last call
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="announcer", daemon=True).start()

    def close(self) -> None:
        """Stop watching; a call that waits for the hub is not waited for."""
        self._over.set()

    def _watch(self) -> None:
        self._attempt(self._session.messages.open)
        state: DeviceState | None = None
        read_at, count = float("-inf"), 0
        while not self._over.is_set():
            if self._session.messages.path and (count := count + 1) % _STREAM == 0:
                self._attempt(self._look_at_messages)
            if time.monotonic() - read_at >= self._session.context.limits.modules_every:
                read_at = time.monotonic()
                state = self._attempt(self._read) or state
            elif state is not None and self._attempt(self._look, state):
                read_at = float("-inf")
            self._over.wait(_LOOK)

    def _attempt(self, call: Callable[..., _Answer], *arguments: object) -> _Answer | None:
        """Return what a call gives; None where it fails, which is said once, and so is that it does not fail any more."""
        try:
            answer = call(*arguments)
        except OperatorError as error:
            if self._errors.get(call) != error.what:
                self._errors[call] = error.what
                self._announce([Change(" ".join(filter(None, (error.what, error.cause, error.remedy))))])
            return None
        if self._errors.pop(call, None):
            self._announce([Change("Answered again.")])
        return answer

    def _read(self) -> DeviceState:
        state, findings = self._session.state(self._device, self._complaints)
        self._announce(self._changes.compare(state, findings))
        return state

    def _look(self, state: DeviceState) -> bool:
        """Say what the clients' messages add; return whether the twin should be read sooner for it."""
        report = self._monitor.look(self._session, state)
        self._complaints = report.complaints
        self._announce(self._changes.compare(state, report.findings))
        return report.twin_is_old

    def _look_at_messages(self) -> None:
        self._announce(self._stream.compare(self._session.messages.health(WINDOW, self._device)))

    def _announce(self, changes: Sequence[Change]) -> None:
        if changes and not self._over.is_set():
            self._say([change.text for change in changes])
