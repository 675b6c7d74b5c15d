"""The doctor: a checklist from the operator's chair to the FPGA. Checks run side by side; each waits only for what it needs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.contexts.model import Context
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.identities import BUDGET_SPENT
from services.operations.doctor.checks.check import Check, Outcome, SharedFacts, failed, neutral
from services.operations.doctor.checks.checklist import CHECKS, further_replies
from services.operations.doctor.examination import Examination, Gathering
from services.records import Finding, Observer, Severity, Step, StepState

_STATES: dict[Severity, StepState] = {"ok": "done", "warning": "done", "error": "failed", "info": "neutral"}
CHECK_SECONDS = 50.0  # a check that has said nothing by then has failed


def step_of(check: Check, outcome: Outcome, seconds: float) -> Step:
    """Return an outcome as a step; warnings are ``done`` with a warning's finding."""
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
    observe: Observer | None = None,
    open_hub: Callable[[], Hub] | None = None,
) -> Iterator[Step]:
    """Yield every check's step: first all as waiting, then each as it starts and as it ends; the last one of a name counts.

    ``device`` defaults to the context's. Messages are awaited for ``message_seconds``. ``observe`` is given every raw reply,
    and of some more that no check needs. ``open_hub`` gives the hub of the console that asks. Closing the iterator abandons
    what still runs.
    """
    facts = SharedFacts(context, device or context.device, message_seconds, observe, open_hub)
    yield from schedule(CHECKS if observe is None else (*CHECKS, further_replies()), facts, check_seconds)


def schedule(checks: Sequence[Check], facts: SharedFacts, limit: float) -> Iterator[Step]:
    """Yield these checks' steps; a check that says nothing for ``limit`` seconds is given up."""
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
                threading.Thread(target=_run, args=(check, facts, answers), name=f"doctor-{check.name}", daemon=True).start()
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


def _run(check: Check, facts: SharedFacts, answers: queue.Queue[tuple[Check, list[Outcome], float]]) -> None:
    start = time.monotonic()
    try:
        outcome = check.run(facts)
        outcomes = [outcome] if isinstance(outcome, Outcome) else list(outcome)
    except OperatorError as error:
        spent = error.code == BUDGET_SPENT  # it says nothing of the hub, and what needs this check can go on
        outcomes = [neutral(f"not asked: {error.what} {error.remedy}") if spent else failed(error)]
    except Exception as error:  # noqa: BLE001 - one broken check must not end the doctor: it is shown as what it is
        detail = f"this check itself broke: {type(error).__name__}"
        outcomes = [Outcome("error", detail, "Send the report; the other checks stand.")]
    answers.put((check, outcomes or [neutral("nothing to check")], time.monotonic() - start))


def examine(context: Context, device: str = "", **options: Any) -> Examination:
    """Run the whole examination and return it."""
    gathering = Gathering(context, device)
    for step in run_doctor(context, device, **options):
        gathering.add(step)
    return gathering.done()
