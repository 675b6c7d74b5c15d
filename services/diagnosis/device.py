"""Diagnose a device and each of its modules, from its agent's twin and from findings of other sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.diagnosis.evidence import WHOLE, diagnose
from services.diagnosis.twin_evidence import evidence_of
from services.records import DeviceState, Finding, Severity

_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2, "ok": 3}


def findings(state: DeviceState, other_findings: Iterable[Finding] = ()) -> list[Finding]:
    """Return every finding of the device, of its modules and of ``other_findings``, worst first; none hides another."""
    findings_by_key: dict[tuple[str, str, str], Finding] = {}
    for evidence in evidence_of(state):
        for finding in diagnose(evidence):
            findings_by_key.setdefault((finding.module, finding.state, finding.cause), finding)
    for finding in other_findings:  # after the twin's own: a container that crashes is why its port is closed
        findings_by_key.setdefault((finding.module, finding.state, finding.cause), finding)
    return sorted(findings_by_key.values(), key=_rank)


def diagnose_state(state: DeviceState, other_findings: Iterable[Finding] = ()) -> dict[str, Finding]:
    """Return the worst finding of each module under its name, and of the device under ``""``.

    What else is wrong there follows in the cause. ``other_findings`` come from elsewhere than the
    twin: what the module's client says, what its host answers.
    """
    every = findings(state, other_findings)
    worst_by_module: dict[str, Finding] = {}
    for name in ("", *(module.name for module in state.modules)):
        mine = [finding for finding in every if finding.module == name]
        if not mine:
            worst_by_module[name] = _no_news(name, every)
            continue
        worst_one, *rest = mine
        also = [finding for finding in rest if finding.severity in ("error", "warning") and not _follows(finding, worst_one)]
        also = list({finding.state: finding for finding in reversed(also)}.values())[::-1]  # each state once, the worst of it
        if also:
            worst_one = replace(
                worst_one,
                cause=" ".join([worst_one.cause, *(f"Also: {finding.reason}." for finding in also)]),
                evidence=worst_one.evidence + tuple(line for finding in also for line in finding.evidence),
            )
        worst_by_module[name] = worst_one
    return worst_by_module


def _follows(finding: Finding, worst_one: Finding) -> bool:
    """Return whether a finding only repeats what the worst one says already."""
    follows = ("not-created", "state-unknown", "plan-failed", "stopped-unasked")
    return finding.state == worst_one.state or (worst_one.severity == "error" and finding.state in follows)


def _no_news(name: str, every: list[Finding]) -> Finding:
    if name:
        return Finding(
            "waiting",
            "info",
            "waiting",
            "nothing reported yet",
            "The agent has not said anything of it yet.",
            "Wait a moment.",
            module=name,
        )
    troubled = [finding for finding in every if finding.severity in ("error", "warning")]
    if troubled:
        names = list(dict.fromkeys(finding.module for finding in troubled))
        first = troubled[0]
        reason = f"trouble in {', '.join(names[:5])}{'…' if len(names) > 5 else ''}"
        return replace(
            first,
            state="module-trouble",
            word="trouble",
            reason=reason,
            cause=f"{first.module}: {first.reason}. {first.cause}",
            module="",
        )
    return Finding("healthy", "ok", "ok", "deployment applied", "The agent has taken up the deployment.", "")


def worst(candidates: Iterable[Finding]) -> Finding | None:
    """Return the worst of some findings."""
    return min(candidates, key=_rank, default=None)


def _rank(finding: Finding) -> tuple[int, bool, int]:
    return _RANK.get(finding.severity, 1), finding.likely, 0 if finding.state in WHOLE else 1
