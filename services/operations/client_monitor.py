"""Watch a device's clients between two readings of its twin, by their messages, which cost no quota.

A complaint, or a client that falls silent, is asked after at its host, and is a reason to read the twin sooner; so is what is over by
now: a device that is connected again, a module that was due to start again. The connections of the identities, which cost no quota
either, are looked at with each reading, and every few seconds while one of them comes and goes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from services.diagnosis import diagnose_state
from services.operations.client_complaints import complaints, explained
from services.operations.connections import SPAN, Looks
from services.operations.host import HostAnswer, ask, host_endpoint, seen_from_here
from services.operations.session import Session
from services.records import DeviceState, Finding

LOOKED_AT = 60  # newest messages of the device
_ASK_AGAIN, _ASK_SELDOM = 10.0, 30.0  # seconds between two questions to one host, each of which costs it a picture
_STARTS = 2.0  # seconds that a start may take
_LOOK_AGAIN = 5.0  # seconds between two looks at identities of which one comes and goes
_LOOK_SELDOM = 20.0  # the same, where the device is not alive by what was read
_READ_AGAIN = 10.0  # seconds between two readings of the twin for what clients say: each costs quota


@dataclass(frozen=True)
class ClientReport:
    """The state of a device's clients: their complaints, and what follows with the twin for each module.

    ``twin_is_old`` says that there is a reason to read the twin now.
    """

    complaints: Sequence[Finding]
    findings: Mapping[str, Finding]
    twin_is_old: bool


class ClientMonitor:
    """Watches one device's clients; ``look`` blocks, and is called again and again."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, HostAnswer]] = {}
        self._last_reported: frozenset[tuple[str, str]] = frozenset()
        self._reading_due = False
        self._read_at = float("-inf")
        self._state: DeviceState | None = None
        self._looks: Looks | None = None
        self._look_at = float("-inf")
        self._reconnects = 0
        self._unsteady_at = float("-inf")

    def look(self, session: Session, state: DeviceState) -> ClientReport:
        """Return the report of this moment; a journal that is not open yet says nothing."""
        first, self._state = state is not self._state, state
        if first:
            self._reading_due = False
        contested = self._contested(session, state, first)
        listening = session.messages.listening
        complaints_by_module = complaints(state, session.messages.newest(state.device.id, LOOKED_AT), listening)
        pause = _ASK_AGAIN if listening else _ASK_SELDOM
        findings = explained(state, complaints_by_module, listening, lambda host: self._ask(session, state, host, pause))
        findings += contested
        reported = frozenset((finding.module, finding.state) for finding in findings)
        self._reading_due = self._reading_due or reported != self._last_reported or _start_is_due(state)
        self._last_reported = reported
        twin_is_old = self._reading_due and time.monotonic() - self._read_at > _READ_AGAIN
        if twin_is_old:
            self._read_at = time.monotonic()
        return ClientReport(findings, diagnose_state(state, findings), twin_is_old)

    def _contested(self, session: Session, state: DeviceState, first: bool) -> list[Finding]:
        """Return identities whose connection comes and goes; none where this console's own line to the hub does, too."""
        looks = self._looks = self._looks or Looks()
        reconnects = session.messages.reconnects
        if reconnects != self._reconnects:
            self._reconnects, self._unsteady_at = reconnects, time.monotonic()
        away = state.liveness is not None and state.liveness.word != "alive"
        if first:
            looks.alive = False  # that was before this reading
        self._reading_due = self._reading_due or (away and looks.alive)
        if first or (time.monotonic() > self._look_at and (looks.changes.restless or away)):
            self._look_at = time.monotonic() + (_LOOK_AGAIN if looks.changes.restless else _LOOK_SELDOM)
            looks.begin(session.hub, state.device.id)
        return looks.changes.contested(state) if time.monotonic() - self._unsteady_at > SPAN else []

    def _ask(self, session: Session, state: DeviceState, host: str, pause: float) -> HostAnswer | None:
        at, answer = self._answers.get(host, (float("-inf"), None))
        if time.monotonic() - at > pause:
            endpoint = host_endpoint(state, host, *seen_from_here(session.context, state.device.id))
            answer = ask(endpoint, 3.0) if endpoint is not None else None
            if answer is not None:
                self._answers[host] = time.monotonic(), answer
        return answer


def _start_is_due(state: DeviceState) -> bool:
    """Return whether a module that was in backoff when the twin was read should run again by now."""
    if state.read_at is None:
        return False
    now = datetime.now(timezone.utc)
    pairs = [(module.starts_in(state.read_at), module.starts_in(now)) for module in state.modules]
    return any(remaining < -_STARTS < before for before, remaining in pairs if before is not None and remaining is not None)
