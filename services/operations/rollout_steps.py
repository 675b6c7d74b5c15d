"""The steps of a rollout as a pure function of what is known: from the hub's acceptance of a deployment to the first message.

A watch that was left, by a killed console too, is taken up again from the same device, modules, version and start time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.diagnosis import findings
from services.diagnosis.applied import images_to_come, is_of_the_one_before, is_settled
from services.diagnosis.image_names import same_image
from services.errors import OperatorError
from services.operations.client_complaints import complaint
from services.operations.host import HostAnswer, HostEndpoint, flashing, running_for
from services.records import PING_COST, DeviceState, Finding, InferenceMessage, Module, Step, StepState, states

TITLES = {
    "accepted": "The hub has taken the deployment",
    "agent": "The edge agent has it",
    "pulling": "Images are pulled",
    "created": "Containers are created",
    "running": "Modules run",
    "routes": "The edge hub has its routes",
    "flashing": "The FPGA is flashed",
    "answers": "The host answers",
    "message": "First message",
}
_PORT_OPENS = 30.0  # seconds that a host may take from its start until it listens


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched.

    ``version`` is the desired ``$version`` that the deployment gave; ``messages`` says whether the first message of a client is
    waited for; ``seen`` says when each step was first seen done.
    """

    device: str
    modules: tuple[str, ...]
    version: int | None
    started: datetime
    messages: bool = False
    seen: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one moment. ``sent``: what clients sent since the modules run, oldest first; None where nobody looks."""

    now: datetime
    state: DeviceState | None = None
    error: OperatorError | None = None
    host: HostEndpoint | None = None
    answer: HostAnswer | None = None
    sent: Sequence[InferenceMessage] | None = None


def rollout_steps(watch: Watch, evidence: Known) -> tuple[Step, ...]:
    """Return the steps as they stand. ``watch.seen`` is read, never changed."""
    steps = _steps(watch, evidence)
    accepted = any(step.name == "accepted" and step.state == "done" for step in steps)
    if evidence.state is None or not accepted:
        return steps
    # The edge hub takes its configuration from the hub, beside the agent and in its own time.
    routes = _routes(watch, evidence, evidence.state, steps[-1].state == "done")
    return tuple(routes if step.name == "routes" else step for step in steps)


def _routes(watch: Watch, evidence: Known, state: DeviceState, message: bool) -> Step:
    """Return the edge hub's own step; ``message``: one has arrived, so that its routes work, whatever it has reported."""
    title = TITLES["routes"]
    edge_hub = state.edge_hub
    if edge_hub is None:
        return Step("routes", title, "neutral", "the device has no edge hub yet")
    elapsed = max((watch.seen.get("routes", evidence.now) - watch.started).total_seconds(), 0.0)
    if is_settled(edge_hub):
        return Step("routes", title, "done", f"version {edge_hub.last_desired_version}", elapsed)
    finding = next((finding for finding in findings(state) if finding.state.startswith("edge-hub-")), None)
    if finding is not None and finding.severity == "error":
        return Step("routes", title, "failed", finding.reason, elapsed, finding.remedy, finding)
    text = finding.reason if finding is not None else "the edge hub has not reported on its configuration yet"
    if message:
        return Step("routes", title, "neutral", text, finding=finding)
    return Step("routes", title, "running", text, elapsed, finding.remedy if finding is not None else "", finding)


def _steps(watch: Watch, evidence: Known) -> tuple[Step, ...]:
    """Return the steps without the edge hub's."""
    state = evidence.state
    if state is None:
        why = evidence.error
        return _line(
            watch,
            [],
            ("accepted", "failed" if why else "running", why.what if why else "", why.remedy if why else "", None),
            evidence,
        )
    done: list[tuple[str, str]] = []
    version = state.desired_version if watch.version is None else watch.version
    applied = (state.last_desired_version or 0) >= (version or 0)
    modules = [state.module(name) for name in watch.modules]
    if watch.version is not None and (state.desired_version or 0) < watch.version:
        return _line(watch, done, ("accepted", "running", "", "", None), evidence)
    if (replaced := _replaced(state, watch)) is not None:
        return _line(watch, done, replaced, evidence)
    done.append(("accepted", f"version {state.desired_version}"))
    trouble = _trouble(state, watch, applied)
    if not applied or (trouble is not None and trouble.state in states.REFUSED):
        return _line(watch, done, _stop("agent", trouble, _waiting_for_the_agent(state)), evidence)
    done.append(("agent", f"version {state.last_desired_version}"))
    missing = [name for name, module in zip(watch.modules, modules, strict=True) if not _there(module)]
    if missing:
        return _line(watch, done, _stop("pulling", trouble, f"waiting for {', '.join(missing)}"), evidence)
    done += [("pulling", ""), ("created", "")]
    down = [module.name for module in modules if module and not _settled(module)]
    if down:
        return _line(watch, done, _stop("running", trouble, f"waiting for {', '.join(down)}"), evidence)
    done.append(("running", ""))
    if all(module is not None and module.desired is not None and module.desired.status == "stopped" for module in modules):
        return _line(watch, [*done], None, evidence, skipped="stopped, as asked")
    return _answers(watch, done, evidence)


def _answers(watch: Watch, done: list[tuple[str, str]], evidence: Known) -> tuple[Step, ...]:
    """Return the steps that are seen from outside the agent."""
    neutral: dict[str, str] = {}
    current: _Current | None = None
    answer = evidence.answer
    if evidence.host is None:
        neutral["flashing"] = neutral["answers"] = "no module here that could be asked"
    elif answer is None:
        current = ("flashing" if evidence.host.kind == "grpc" else "answers", "running", "asking the host", "", None)
    elif answer.verdict == "yes":
        done += [("flashing", ""), ("answers", answer.detail)]
    elif answer.verdict == "unreachable":
        neutral["flashing"] = neutral["answers"] = answer.detail
    else:
        current = _from_host(watch, evidence, answer)
    finding = complaint(evidence.sent) if evidence.sent else None
    if evidence.sent is None:
        neutral["message"] = "only a client module sends messages"
    elif evidence.sent and finding is None:
        done.append(("message", _summary(evidence.sent[-1])))
    elif current is None and finding is not None:
        state: StepState = "failed" if finding.severity == "error" else "running"
        current = ("message", state, finding.reason, finding.remedy, finding)
    elif current is None:
        current = ("message", "running", "waiting for the first message", "", None)
    return _line(watch, done, current, evidence, neutral)


def _summary(message: InferenceMessage) -> str:
    """Return a message in as few words as there are; a result without its picture."""
    if not message.label:
        return message.text
    sure = "" if message.confidence is None else f" {message.confidence:.0%}"
    took = "" if message.milliseconds is None else f", {message.milliseconds:,.0f} ms"
    return f"{message.label}{sure}{took}"


def _from_host(watch: Watch, evidence: Known, answer: HostAnswer) -> _Current:
    assert evidence.host is not None
    error = answer.error
    code = error.state if error else ""
    since = watch.seen.get("running")
    seconds = (evidence.now - since).total_seconds() if since else running_for(evidence.state, evidence.host.module)
    finding = flashing(error, evidence.host.module, seconds)
    if finding is not None:
        state: StepState = "failed" if finding.severity == "error" else "running"
        return ("flashing", state, finding.reason, finding.remedy, finding)
    if code in states.NOT_LISTENING and (seconds is None or seconds < _PORT_OPENS):
        return ("answers", "running", "its port is not open yet", "", None)
    return ("answers", "failed", error.what if error else answer.detail, error.remedy if error else "", None)


_Current = tuple[str, StepState, str, str, "Finding | None"]


def _stop(name: str, trouble: Finding | None, waiting: str) -> _Current:
    if trouble is None:
        return (name, "running", waiting, "", None)
    state: StepState = "failed" if trouble.severity == "error" else "running"
    text = f"{trouble.module}: {trouble.reason}" if trouble.module else trouble.reason
    return (name, state, text, trouble.remedy, trouble)


def _replaced(state: DeviceState, watch: Watch) -> _Current | None:
    """Return the step of a rollout whose modules a newer deployment, mostly one at scale, no longer has."""
    missing = [name for name in watch.modules if (module := state.module(name)) is None or module.desired is None]
    if not missing or watch.version is None or (state.desired_version or 0) <= watch.version:
        return None
    scale = ", ".join(entry.id for entry in state.configurations if entry.status.lower() == "applied")
    text = f"version {state.desired_version} took its place, which has no {', '.join(missing)}"
    remedy = (
        f"Change the deployment at scale {scale}, or its target condition."
        if scale
        else "Ask who deployed it, then deploy again."
    )
    return ("accepted", "failed", text, remedy, None)


def _waiting_for_the_agent(state: DeviceState) -> str:
    """Return what an agent that has not reported yet is probably doing: it reports when its first pass has ended."""
    names = ", ".join(images_to_come(state)[:3])
    doing = f"pulling {names}" if names else "starting what has changed"
    unsure = ""
    if state.liveness is not None and state.liveness.word == "unknown":
        pinged = f" (a ping costs {PING_COST} messages of the quota)" if state.liveness.signs.ping is not None else ""
        unsure = f"; {state.liveness.text}{pinged}"
    return f"waiting for the edge agent, which is probably {doing}: it reports when that has ended{unsure}"


def _trouble(state: DeviceState, watch: Watch, applied: bool) -> Finding | None:
    """Return the worst finding that explains why it stands still."""
    for finding in findings(state):
        mine = finding.module in ("", *watch.modules)
        holds = (
            applied
            or finding.state in states.BEFORE_APPLIED
            or (finding.state in states.OF_THE_ENGINE and not is_of_the_one_before(state))
        )
        if finding.severity in ("error", "warning") and mine and holds:
            return finding
    return None


def _there(module: Module | None) -> bool:
    """Return whether the container of the image asked for has been made."""
    if module is None or module.reported is None:
        return False
    desired_image, has = module.desired.image if module.desired else "", module.reported.image
    return not desired_image or not has or same_image(desired_image, has)


def _settled(module: Module) -> bool:
    desired_status = module.desired.status if module.desired else "running"
    runtime = module.reported.runtime_status if module.reported else ""
    return runtime == "running" if desired_status == "running" else runtime in ("stopped", "failed", "dead", "backoff")


def _line(
    watch: Watch,
    done: Sequence[tuple[str, str]],
    current: _Current | None,
    evidence: Known,
    neutral: dict[str, str] | None = None,
    skipped: str = "",
) -> tuple[Step, ...]:
    details = dict(done)
    ended, earliest = {}, evidence.now
    for name in reversed(details):  # what is seen only now was done when a later step was
        ended[name] = earliest = min(earliest, watch.seen.get(name, earliest))
    steps = []
    without_fpga = evidence.host is not None and evidence.host.kind == "http"
    for name, title in TITLES.items():
        if name == "flashing" and without_fpga:
            continue
        if name in details:
            seconds = max((ended[name] - watch.started).total_seconds(), 0.0)
            steps.append(Step(name, title, "done", details[name], seconds))
        elif current is not None and name == current[0]:
            _, state, text, remedy, finding = current
            steps.append(
                Step(name, title, state, text, max((evidence.now - watch.started).total_seconds(), 0.0), remedy, finding)
            )
        elif neutral and name in neutral:
            steps.append(Step(name, title, "neutral", neutral[name]))
        elif skipped:
            steps.append(Step(name, title, "skipped", skipped))
        else:
            steps.append(Step(name, title, "waiting"))
    return tuple(steps)


def finished(steps: Sequence[Step]) -> bool:
    """Return whether nothing is left to wait for."""
    return all(step.state in ("done", "neutral", "skipped") for step in steps)


def failed(steps: Sequence[Step]) -> Step | None:
    """Return the step that it stopped at."""
    return next((step for step in steps if step.state == "failed"), None)
