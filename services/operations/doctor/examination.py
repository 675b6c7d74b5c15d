"""What an examination found: the checks' steps put together as they come, and the causes among what they tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone

from services.contexts.model import Context
from services.records import Finding, Severity, Step, states
from services.text import counted

_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2, "ok": 3}
# Where a module's trouble is told by its agent, and where only what comes of it is seen.
_ROOTS = frozenset({"version", "module"})
_SEEN_FROM_OUTSIDE = frozenset({"host", "between", "messages"})


def mark(step: Step) -> str:
    """Return ✓, !, ✗, – (not to be known, or skipped), … (running)."""
    if step.state == "done":
        return "!" if step.finding and step.finding.severity == "warning" else "✓"
    return {"failed": "✗", "running": "…", "waiting": "…"}.get(step.state, "–")


@dataclass(frozen=True, slots=True)
class Examination:
    """A finished doctor's run."""

    context: str
    device: str
    at: datetime
    steps: tuple[Step, ...]

    @property
    def causes(self) -> tuple[Finding, ...]:
        """Return what is wrong, errors first, in the order of the checklist; each state of a module once.

        Then comes what only takes its time (an FPGA that is flashed, a deployment not taken up yet), then what follows from
        what stands before.
        """
        pairs = [(step, step.finding) for step in self.steps if step.finding and step.finding.severity != "ok"]
        roots = {
            finding.module
            for step, finding in pairs
            if step.name.partition(":")[0] in _ROOTS and (finding.severity == "error" or finding.state in states.NOT_YET)
        }
        present = {finding.state for _, finding in pairs}

        def follows(step: Step, finding: Finding) -> bool:
            """Return whether the twin's own account of the module, or of the whole device, says why."""
            is_explained = step.name.partition(":")[0] in _SEEN_FROM_OUTSIDE and bool({"", finding.module} & roots)
            is_of_the_key = finding.state in states.OF_KEYS and bool(states.OF_ACCESS & present)
            return is_explained or is_of_the_key or (finding.state == states.DEVICE_OFFLINE and states.AGENT_STOPPED in present)

        unique: dict[tuple[str, str], Finding] = {}
        for _, finding in sorted(pairs, key=lambda one: (follows(*one), _RANK[one[1].severity], one[1].likely)):
            unique.setdefault((finding.state, finding.module), finding)
        return tuple(unique.values())

    @property
    def passed(self) -> tuple[Step, ...]:
        """The checks at which nothing is to be said."""
        return tuple(step for step in self.steps if mark(step) == "✓")

    @property
    def troubled(self) -> tuple[Step, ...]:
        """The other checks in the order of the causes that they name, then what is not known."""
        order = {(finding.state, finding.module): place for place, finding in enumerate(self.causes)}

        def place(step: Step) -> int:
            return (
                order[step.finding.state, step.finding.module] if step.finding and step.finding.severity != "ok" else len(order)
            )

        return tuple(sorted((step for step in self.steps if mark(step) != "✓"), key=place))

    @property
    def passed_title(self) -> str:
        """What is said of the checks that passed; empty where none did."""
        return f"{counted(len(self.passed), 'check')} passed" if self.passed else ""

    @property
    def healthy(self) -> bool:
        """Whether no check failed."""
        return all(step.state != "failed" for step in self.steps)


class Gathering:
    """Puts the steps together as they come: the last of each name, in the order of their first appearance."""

    def __init__(self, context: Context, device: str = "") -> None:
        self._context = context
        self._device = device or context.device
        self._steps: dict[str, Step] = {}

    def add(self, step: Step) -> None:
        """Take in one step; a step of a check that yields several replaces the waiting line of its check."""
        parent = step.name.partition(":")[0]
        if parent != step.name and parent in self._steps and self._steps[parent].state in ("waiting", "running"):
            steps: dict[str, Step] = {}
            for name, present_step in self._steps.items():
                if name == parent:
                    steps[step.name] = step
                else:
                    steps[name] = present_step
            self._steps = steps
            return
        self._steps[step.name] = step

    @property
    def steps(self) -> tuple[Step, ...]:
        """As it stands."""
        parents = [name.partition(":")[0] for name in self._steps]
        # Further steps of one check stand beside its first.
        return tuple(sorted(self._steps.values(), key=lambda step: parents.index(step.name.partition(":")[0])))

    def done(self) -> Examination:
        """Return the finished run."""
        steps = tuple(replace(step, state="skipped") if step.state in ("waiting", "running") else step for step in self.steps)
        return Examination(self._context.name, self._device, datetime.now(timezone.utc), steps)
