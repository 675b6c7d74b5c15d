"""Tell in sentences what changed on a device and in its messages from one look to the next: for who hears or is called."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.messages.health.verdict import verdict
from services.records import DeviceState, Finding, Severity, states
from services.text import counted

if TYPE_CHECKING:
    from services.messages.health.statistics import Health

_BAD = ("warning", "error")
WINDOW = 300  # seconds of messages whose verdict is followed
_AGAIN = 600.0  # seconds for which the same trouble of a module that comes and goes is not told again


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence; ``alert`` is its beginning where something turned bad, for which somebody is called."""

    text: str
    alert: str = ""


class DeviceChanges:
    """Remembers a device as it was told last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, str] | None = None  # the finding's state by module, "" for the device
        self._last_told: dict[tuple[str, str], float] = {}  # when each trouble was told
        self._quiet: set[str] = set()  # modules whose trouble came back too soon to be told, nor its end
        self._liveness = ""

    def compare(self, state: DeviceState, findings: Mapping[str, Finding]) -> list[Change]:
        """Return what is new since the last call, trouble first; at the first call how things stand, which calls nobody."""
        before, self._states = self._states, {name: finding.state for name, finding in findings.items()}
        liveness, last_liveness = state.liveness.word if state.liveness else "", self._liveness
        self._liveness = liveness
        new = {name: finding for name, finding in findings.items() if (before or {}).get(name) != finding.state}
        trouble = {name: finding for name, finding in new.items() if _is_trouble(finding)}
        changes = [_change(name or state.device.id, finding) for name, finding in self._worth_telling(trouble)]
        if before is None:
            return [Change(_standing(state)), *(Change(change.text) for change in changes)]
        if liveness != last_liveness and state.liveness is not None:
            changes.append(Change(f"{state.device.id}: {state.liveness.text}."))
        for name, finding in new.items():
            if name and finding.severity not in _BAD and name not in self._quiet:
                changes.append(Change(f"{name}: {'' if name in before else 'new, '}{finding.word}."))
        return changes + [Change(f"{name}: removed from the device.") for name in before if name and name not in findings]

    def _worth_telling(self, trouble: Mapping[str, Finding]) -> list[tuple[str, Finding]]:
        """Return the troubles that were not told a moment ago."""
        now = self._clock()
        fresh = []
        for name, finding in trouble.items():
            if now - self._last_told.get((name, finding.state), float("-inf")) > _AGAIN:
                self._last_told[name, finding.state] = now
                self._quiet.discard(name)
                fresh.append((name, finding))
            else:
                self._quiet.add(name)
        return fresh


class StreamChanges:
    """Remembers how the messages of a device were told last."""

    def __init__(self) -> None:
        self._severity: Severity = "info"

    def compare(self, health: Health) -> list[Change]:
        """Return what is new of the verdict on the messages: that it turned bad, or well again."""
        severity, sentence = verdict(health)
        before = self._severity
        if severity == "info" or severity == before:
            return []
        self._severity = severity
        if severity == "error":
            return [Change(f"Messages: {sentence}.", f"Messages: {sentence}." if before != "info" else "")]
        return [Change(f"Messages: {sentence}.")] if before == "error" else []


def _is_trouble(finding: Finding) -> bool:
    return finding.severity in _BAD and finding.state != states.MODULE_TROUBLE  # that is told of each of them


def _standing(state: DeviceState) -> str:
    running = sum(module.reported is not None and module.reported.runtime_status == "running" for module in state.modules)
    alive = f"{state.liveness.text}; " if state.liveness else ""
    return f"{state.device.id}: {alive}{counted(len(state.modules), 'module')}, {running} running."


def _change(name: str, finding: Finding) -> Change:
    likely = "likely: " if finding.likely else ""
    alert = f"{name}: {finding.word}, {likely}{finding.reason}."
    return Change(f"{alert} {finding.cause} {finding.remedy}".rstrip(), alert)
