"""The doctor: a checklist from the operator's chair to the FPGA. Checks run side by side; each waits only for what it needs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from services.contexts.model import Context
from services.errors import OperatorError
from services.operations.host import HostAnswer
from services.records import DeviceState, EventEndpoint, Finding, InferenceMessage, Severity, Step, StepState

_VAGUE = frozenset({"failed", "hung", "reply", "timeout"})
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2, "ok": 3}
_STATES: dict[Severity, StepState] = {"ok": "done", "warning": "done", "error": "failed", "info": "neutral"}
# Where a module's trouble is told by its agent, and where only what comes of it is seen.
_ROOTS = frozenset({"version", "module"})
_NOT_YET = frozenset({"slow-pull", "not-created", "no-deployment", "not-yet-applied"})
_SEEN_FROM_OUTSIDE = frozenset({"host", "between", "messages"})
CHECK_SECONDS = 50.0  # a check that has said nothing by then has failed


@dataclass
class Chair:
    """What the checks share. Each fact is written by one check, and read by those that need it."""

    context: Context
    device: str
    message_seconds: float = 6.0
    hub: Any = None  # services.hub.client.Hub
    server_date: datetime | None = None
    state: DeviceState | None = None
    endpoint: EventEndpoint | None = None
    let_in: bool = False  # whether a reader's place was had
    journal: str | None = None  # where the messages are kept that were read
    answers: dict[str, HostAnswer] = field(default_factory=dict)  # of each host that was asked
    heard: Sequence[InferenceMessage] = ()  # the device's newest messages
    oldest: dict[str, int] = field(default_factory=dict)  # the first sequence number that the hub keeps of each partition
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found: ok, warning (!), error (✗), or info where it cannot or need not be known (–)."""

    severity: Severity
    detail: str
    remedy: str = ""
    finding: Finding | None = None
    name: str = ""  # of the step, where one check yields several
    title: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check: ``run`` gives one outcome or several and may raise OperatorError. ``needs`` name checks that must not have failed,
    ``after`` those that must have ended, however they did."""

    name: str
    title: str
    run: Callable[[Chair], Outcome | Sequence[Outcome]]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    patience: float | None = None  # seconds after which it cannot be known, which is no fault


def ok(detail: str, **more: Any) -> Outcome:
    """All is well."""
    return Outcome("ok", detail, **more)


def neutral(detail: str, **more: Any) -> Outcome:
    """It cannot be known from here, or does not apply."""
    return Outcome("info", detail, **more)


def found(finding: Finding, **more: Any) -> Outcome:
    """A finding as the outcome."""
    likely = "likely: " if finding.likely else ""
    return Outcome(finding.severity, f"{likely}{finding.reason}", finding.remedy, finding, **more)


def failed(error: OperatorError, **more: Any) -> Outcome:
    """An error as the outcome."""
    return Outcome("error", error.what, error.remedy, finding_of(error), **more)


def finding_of(error: OperatorError) -> Finding:
    """An error's finding; the state is the last part of its code, or all of it where that part alone says too little."""
    room, _, state = error.code.rpartition(".")
    state = f"{room}-{state}" if state in _VAGUE and room else state or "error"
    evidence = (error.raw,) if error.raw else ()
    return Finding(state, "error", state.split("-", maxsplit=1)[0], error.what, error.cause, error.remedy, evidence=evidence)


def mark(step: Step) -> str:
    """✓, !, ✗, – (not to be known, or skipped), … (running)."""
    if step.state == "done":
        return "!" if step.finding and step.finding.severity == "warning" else "✓"
    return {"failed": "✗", "running": "…", "waiting": "…"}.get(step.state, "–")


def step_of(check: Check, outcome: Outcome, seconds: float) -> Step:
    """An outcome as a step; warnings are ``done`` with a warning's finding."""
    finding = outcome.finding
    if finding is None and outcome.severity in ("warning", "error"):
        finding = Finding(outcome.name or check.name, outcome.severity, "attention", outcome.detail, "", outcome.remedy)
    state = _STATES[outcome.severity]
    name, title = outcome.name or check.name, outcome.title or check.title
    return Step(name, title, state, outcome.detail, seconds, outcome.remedy, finding)


def run_doctor(
    context: Context,
    device: str = "",
    *,
    message_seconds: float = 6.0,
    check_seconds: float = CHECK_SECONDS,
) -> Iterator[Step]:
    """Every check's step: first all as waiting, then each as it starts and as it ends; the last one of a name counts.

    ``device`` defaults to the context's. Messages are awaited for ``message_seconds``. Closing the iterator abandons what still
    runs.
    """
    from services.operations.checks import CHECKS

    chair = Chair(context, device or context.device, message_seconds)
    yield from _schedule(CHECKS, chair, check_seconds)


def _schedule(checks: Sequence[Check], chair: Chair, limit: float) -> Iterator[Step]:
    waiting = list(checks)
    ended: dict[str, bool] = {}  # name to whether those that need it can go on
    running: dict[str, float] = {}
    answers: queue.Queue[tuple[Check, list[Outcome], float]] = queue.Queue()
    for check in checks:
        yield Step(check.name, check.title, "waiting")
    while waiting or running:
        unended = {check.name for check in waiting} | set(running)
        for check in list(waiting):
            broken = next((name for name in check.needs if ended.get(name) is False), "")
            if broken:
                waiting.remove(check)
                ended[check.name] = False
                title = next(other.title for other in checks if other.name == broken)
                yield Step(check.name, check.title, "skipped", f"waits for: {title}")
            elif all(name in ended for name in check.needs) and not any(name in unended for name in check.after):
                waiting.remove(check)
                running[check.name] = time.monotonic()
                yield Step(check.name, check.title, "running")
                # Daemons: a check that hangs in an SDK must not keep the console from ending.
                threading.Thread(target=_run, args=(check, chair, answers), name=f"doctor-{check.name}", daemon=True).start()
        if not running:
            continue
        try:
            check, outcomes, seconds = answers.get(timeout=0.25)
        except queue.Empty:
            for name, start in list(running.items()):
                check = next(check for check in checks if check.name == name)
                patience = limit if check.patience is None else check.patience
                if time.monotonic() - start > patience:
                    del running[name]
                    ended[name] = False
                    text = f"no answer within {patience:.0f} s"
                    outcome = Outcome("error", text, "Try again; check the network.") if check.patience is None else neutral(text)
                    yield step_of(check, outcome, patience)
            continue
        if check.name not in running:
            continue  # given up on before
        del running[check.name]
        ended[check.name] = all(outcome.severity != "error" for outcome in outcomes)
        for outcome in outcomes:
            yield step_of(check, outcome, seconds)


def _run(check: Check, chair: Chair, answers: queue.Queue[tuple[Check, list[Outcome], float]]) -> None:
    start = time.monotonic()
    try:
        outcome = check.run(chair)
        outcomes = [outcome] if isinstance(outcome, Outcome) else list(outcome)
    except OperatorError as error:
        outcomes = [failed(error)]
    except Exception as error:  # noqa: BLE001 - one broken check must not end the doctor: it is shown as what it is
        detail = f"this check itself broke: {type(error).__name__}"
        outcomes = [Outcome("error", detail, "Send the report; the other checks stand.")]
    answers.put((check, outcomes or [neutral("nothing to check")], time.monotonic() - start))


@dataclass(frozen=True, slots=True)
class Examination:
    """A finished doctor's run."""

    context: str
    device: str
    at: datetime
    steps: tuple[Step, ...]

    @property
    def causes(self) -> tuple[Finding, ...]:
        """What is wrong, errors first, in the order of the checklist, then what only takes its time (an FPGA that is flashed, a
        deployment not taken up yet), then what follows from what stands before; each state of a module once."""
        told = [(step, step.finding) for step in self.steps if step.finding and step.finding.severity != "ok"]
        roots = {
            finding.module
            for step, finding in told
            if step.name.partition(":")[0] in _ROOTS and (finding.severity == "error" or finding.state in _NOT_YET)
        }
        states = {finding.state for _, finding in told}

        def follows(step: Step, finding: Finding) -> bool:
            """Whether the twin's own account of the module, or of the whole device, says why."""
            seen = step.name.partition(":")[0] in _SEEN_FROM_OUTSIDE and bool({"", finding.module} & roots)
            return seen or (finding.state == "device-offline" and "agent-stopped" in states)

        unique: dict[tuple[str, str], Finding] = {}
        for _, finding in sorted(told, key=lambda one: (follows(*one), _RANK[one[1].severity], one[1].likely)):
            unique.setdefault((finding.state, finding.module), finding)
        return tuple(unique.values())

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
            for name, known in self._steps.items():
                if name == parent:
                    steps[step.name] = step
                else:
                    steps[name] = known
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
        """The finished run."""
        steps = tuple(replace(step, state="skipped") if step.state in ("waiting", "running") else step for step in self.steps)
        return Examination(self._context.name, self._device, datetime.now(timezone.utc), steps)


def examine(context: Context, device: str = "", **options: Any) -> Examination:
    """The whole run at once."""
    gathering = Gathering(context, device)
    for step in run_doctor(context, device, **options):
        gathering.add(step)
    return gathering.done()
