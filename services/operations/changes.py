"""Say in sentences what changed on a device from one reading to the next, for who hears or logs it instead of looking."""

from __future__ import annotations

from collections.abc import Mapping

from services.records import DeviceState, Finding, states
from services.text import counted

_BAD = ("warning", "error")


class DeviceChanges:
    """Remembers a device as it was said last."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, str]] | None = None  # by module ("" for the device): the finding's state and word
        self._liveness = ""

    def compare(self, state: DeviceState, findings: Mapping[str, Finding]) -> list[str]:
        """Return what is new since the last call, the first time how things stand: bad things with cause and remedy first."""
        words = {name: (finding.state, finding.word) for name, finding in findings.items()}
        before, self._words = self._words, words
        liveness, last = state.liveness.word if state.liveness else "", self._liveness
        self._liveness = liveness
        bad = [
            _sentence(state, name, finding)
            for name, finding in findings.items()
            if finding.severity in _BAD and finding.state != states.MODULE_TROUBLE and (before or {}).get(name) != words[name]
        ]
        if before is None:
            running = sum(module.reported is not None and module.reported.runtime_status == "running" for module in state.modules)
            alive = f"{state.liveness.text}; " if state.liveness else ""
            return [f"{state.device.id}: {alive}{counted(len(state.modules), 'module')}, {running} running.", *bad]
        lines = bad
        if liveness != last and state.liveness is not None:
            lines.append(f"{state.device.id}: {state.liveness.text}.")
        for name, finding in findings.items():
            if name and finding.severity not in _BAD and before.get(name) != words[name]:
                lines.append(f"{name}: {'' if name in before else 'new, '}{finding.word}.")
        lines += [f"{name}: removed from the device." for name in before if name and name not in words]
        return lines


def _sentence(state: DeviceState, name: str, finding: Finding) -> str:
    likely = "likely: " if finding.likely else ""
    return f"{name or state.device.id}: {finding.word}, {likely}{finding.reason}. {finding.cause} {finding.remedy}".rstrip()
