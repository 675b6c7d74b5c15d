"""How the connections of a device's identities come and go: an identity that two clients share has one that never stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone

from services.diagnosis import diagnose
from services.diagnosis.liveness import judge
from services.errors import OperatorError
from services.hub.client import Hub
from services.operations.host import running_for
from services.records import DeviceState, Evidence, Finding

_EVERY, _CLOSELY = 3.0, 0.7  # seconds between two looks, and where a connection changed lately; Identities has the last word
_FRESH = 5.0  # seconds for which what somebody else read of the identities will do for a first look
_YOUNG = 10.0  # seconds since a change that was there before the first look
_CHANGES = 3  # of one identity's connection within ``SPAN``: no restart does that
SPAN = 30.0  # seconds


class Changes:
    """The changes of each identity's connection within the last ``SPAN`` seconds, as far as they were looked at."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}
        self._seen: dict[str, list[float]] = {}  # when each changed, the last times

    def note(self, times: Mapping[str, datetime]) -> None:
        """Note when each identity ("" the device's own) last connected or disconnected (``Hub.connection_changes``)."""
        now = time.monotonic()
        for module, changed in times.items():
            if self._last.setdefault(module, changed) != changed:
                self._last[module] = changed
                self._seen[module] = [*self._seen.get(module, ()), now][-_CHANGES:]

    @property
    def restless(self) -> bool:
        """Whether any connection changed lately, as far as it was seen or (where the clocks agree) is said by the hub."""
        return bool(self.restless_identities)

    @property
    def restless_identities(self) -> set[str]:
        """Those whose connection changed lately ("" the device's own)."""
        now = datetime.now(timezone.utc)
        young = {module for module, at in list(self._last.items()) if abs((now - at).total_seconds()) < _YOUNG}
        return young | {module for module in list(self._seen) if self._lately(module)}

    def contested(self, state: DeviceState | None) -> list[Finding]:
        """Return the identities whose connection changed again and again, as it does where two clients share one.

        Not of a module that was started a moment ago (``state``), whose connection comes and goes with it.
        """
        text = f"changed: {_CHANGES} times and more within {SPAN:.0f} s"
        return [
            diagnose(Evidence("amqp", code="contested", text=text, module=module))[0]
            for module in list(self._seen)
            if self._lately(module) >= _CHANGES and (running_for(state, module.lstrip("$")) or SPAN) >= SPAN
        ]

    def _lately(self, module: str) -> int:
        since = time.monotonic() - SPAN
        return sum(at > since for at in self._seen[module])


class Looks:
    """Looks at a device's connections one at a time, each in a thread: nobody waits for a hub that hangs."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.alive = False  # the device, when it was looked at last
        self._looking = False

    def begin(self, hub: Hub, device: str) -> None:
        """Begin to look, unless the look before still waits for the hub. What keeps it from answering is told by other readings."""
        if not self._looking:
            self._looking = True
            threading.Thread(target=self._look, args=(hub, device), name="connections", daemon=True).start()

    def _look(self, hub: Hub, device: str) -> None:
        try:
            self.changes.note(hub.connection_changes(device, _FRESH))
            signs = hub.life_signs(hub.device(device, _FRESH))
            self.alive = judge(signs, datetime.now(timezone.utc)).word == "alive"
        except OperatorError:
            self.alive = False
        finally:
            self._looking = False


class Connections:
    """Watches, in a thread, how the connections of a device's identities come and go. Identities are read free of quota."""

    def __init__(self, hub: Hub, device: str) -> None:
        self._changes = Changes()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(hub, device), name="doctor-connections", daemon=True).start()

    def _watch(self, hub: Hub, device: str) -> None:
        try:
            self._changes.note(hub.connection_changes(device, _FRESH))
            while not self._stopped.wait(_CLOSELY if self._changes.restless else _EVERY):
                restless = self._changes.restless_identities  # reads are few: those that are quiet can wait
                own, modules = not restless or "" in restless, not restless or bool(restless - {""})
                self._changes.note(hub.connection_changes(device, own=own, modules=modules))
        except OperatorError:
            return  # what keeps the hub from being asked is told by the checks of the hub

    def contested(self, state: DeviceState | None) -> list[Finding]:
        """Return the identities that two clients seem to share, and end the watching."""
        self._stopped.set()
        return self._changes.contested(state)
