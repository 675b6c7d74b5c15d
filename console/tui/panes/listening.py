"""Between two readings of a device's twin: what its clients say in their messages, which cost no quota.

A complaint, or a client that falls silent, is asked after at its host, and is why the twin is read sooner than it would be; so is
what is over by now: a device that is connected again, a module that was due to start again. The connections of the identities, which
cost no quota either, are looked at with each reading, and every few seconds while one of them comes and goes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from services.records import DeviceState, Finding

if TYPE_CHECKING:
    from services.operations.connections import Looks
    from services.operations.host import HostAnswer
    from services.operations.session import Session

LOOKED_AT = 60  # newest messages of the device
_ASK_AGAIN, _ASK_SELDOM = 10.0, 30.0  # seconds between two questions to one host, each of which costs it a picture
_STARTS = 2.0  # seconds that a start may take
_LOOK_AGAIN = 5.0  # seconds between two looks at identities of which one comes and goes
_LOOK_SELDOM = 20.0  # the same, where the device is not alive by what was read
_READ_AGAIN = 10.0  # seconds between two readings of the twin for what clients say: each costs quota


@dataclass(frozen=True)
class Heard:
    """What clients and hosts say, what follows with the twin for each module, and whether it is a reason to read that now."""

    said: Sequence[Finding]
    findings: Mapping[str, Finding]
    telling: bool


class Listening:
    """Listens to one device's clients; ``listen`` blocks, and is called again and again."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, HostAnswer]] = {}
        self._last_reported: frozenset[tuple[str, str]] = frozenset()
        self._owed = False
        self._read_at = float("-inf")
        self._state: DeviceState | None = None
        self._looks: Looks | None = None
        self._look_at = float("-inf")
        self._reconnects = 0
        self._unsteady_at = float("-inf")

    def listen(self, session: Session, state: DeviceState) -> Heard:
        """Return what is known of the clients now; a journal that is not open yet says nothing."""
        from services.diagnosis import diagnose_state
        from services.operations.client_complaints import complaints, explained

        first, self._state = state is not self._state, state
        if first:
            self._owed = False
        contested = self._contested(session, state, first)
        listening = session.messages.listening
        complained = complaints(state, session.messages.newest(state.device.id, LOOKED_AT), listening)
        pause = _ASK_AGAIN if listening else _ASK_SELDOM
        findings = explained(state, complained, listening, lambda host: self._ask(session, state, host, pause))
        findings += contested
        reported = frozenset((finding.module, finding.state) for finding in findings)
        self._owed = self._owed or reported != self._last_reported or _due(state)
        self._last_reported = reported
        telling = self._owed and time.monotonic() - self._read_at > _READ_AGAIN
        if telling:
            self._read_at = time.monotonic()
        return Heard(findings, diagnose_state(state, findings), telling)

    def _contested(self, session: Session, state: DeviceState, first: bool) -> list[Finding]:
        """Identities whose connection comes and goes; none where this console's own line to the hub does, too."""
        from services.operations.connections import SPAN, Looks

        looks = self._looks = self._looks or Looks()
        reconnects = session.messages.reconnects
        if reconnects != self._reconnects:
            self._reconnects, self._unsteady_at = reconnects, time.monotonic()
        away = state.liveness is not None and state.liveness.word != "alive"
        if first:
            looks.alive = False  # that was before this reading
        self._owed = self._owed or (away and looks.alive)
        if first or (time.monotonic() > self._look_at and (looks.changes.restless or away)):
            self._look_at = time.monotonic() + (_LOOK_AGAIN if looks.changes.restless else _LOOK_SELDOM)
            looks.begin(session.hub, state.device.id)
        return looks.changes.contested(state) if time.monotonic() - self._unsteady_at > SPAN else []

    def _ask(self, session: Session, state: DeviceState, host: str, pause: float) -> HostAnswer | None:
        from services.operations.host import ask, host_endpoint, seen_from_here

        at, answer = self._answers.get(host, (float("-inf"), None))
        if time.monotonic() - at > pause:
            endpoint = host_endpoint(state, host, *seen_from_here(session.context, state.device.id))
            answer = ask(endpoint, 3.0) if endpoint is not None else None
            if answer is not None:
                self._answers[host] = time.monotonic(), answer
        return answer


def _due(state: DeviceState) -> bool:
    """Whether a module that was in backoff when the twin was read should run again by now."""
    from widgets.module_row import starts_in

    if state.read_at is None:
        return False
    now = datetime.now(timezone.utc)
    pairs = [(starts_in(module, state.read_at), starts_in(module, now)) for module in state.modules]
    return any(remaining < -_STARTS < before for before, remaining in pairs if before is not None and remaining is not None)
