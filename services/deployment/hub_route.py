"""The hub's route: plan against what the device has now, apply exactly that, and know how it went.

``applyConfigurationContent`` has no etag and replaces everything, and the twin API, which has etags, refuses $edgeAgent's desired
properties (401100; docs/facts/iot-hub.md). So the twins are read again just before it and compared with what the plan was made from; it
is sent once and never again; afterwards the twins are read to see whether they hold what was sent. A change by somebody else in the
moment between reading and sending is overwritten; the version, which rises by one a deployment, tells so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.deployment.changes import Change, MergeContent, RemoveModule, ReplaceContent, SetModule, describe
from services.deployment.diff import DiffLine, az_commands, diff, unchanged
from services.deployment.history import History, Outcome
from services.deployment.left_out import left_out
from services.deployment.manifest import agent_of, content_of, merge, modules_of
from services.deployment.manifest_problem import ManifestProblem
from services.deployment.masking import masked
from services.deployment.validate import validate
from services.errors import OperatorError
from services.hub.client import EDGE_HUB, Hub
from services.hub.tolerant import mapping
from services.records import ConfigurationStatus, DeviceState

_SETTLE_SECONDS = 5.0
_AT_SCALE_SECONDS = 6.0
# Not the hub's refusal: it may have taken what was sent.
_UNANSWERED = frozenset(
    {"network.cut", "network.no-answer", "network.timeout", "network.unknown", "hub.hub-trouble", "hub.reply"}
)
# What a refusal means for the device.
_AFTERWARDS = {
    "failed": "The device has what it had before.",
    "unknown": "The device has another deployment by now: look at it before you send it again.",
    "pending": "Whether the hub took the deployment cannot be read now; the history tells once the hub can be asked. "
    "Look at the device before you send it again.",
}

_OVERWROTE = (
    "Somebody else changed {device} in the same moment: their version {first} came between the last look and this deployment, "
    "which has overwritten it. Ask who it was, and let them apply their change again."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one device, ready to be shown and applied. ``before`` and ``after`` are whole manifests and hold secrets;
    ``diff`` holds
    none. ``configurations`` are the deployments at scale that would override the change."""

    host: str
    device: str
    changes: tuple[Change, ...]
    summary: str
    before_version: int | None
    before: dict[str, Any] = field(repr=False)
    after: dict[str, Any] = field(repr=False)
    diff: tuple[DiffLine, ...]
    commands: tuple[str, ...]
    problems: tuple[ManifestProblem, ...]
    configurations: tuple[ConfigurationStatus, ...]
    state: DeviceState = field(repr=False)

    @property
    def errors(self) -> tuple[ManifestProblem, ...]:
        """The problems that forbid applying."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def empty(self) -> bool:
        """Whether the device has all of it already."""
        return unchanged(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Applied:
    """How applying went: the twin's new desired version (None where nothing had to be sent) and the entry in the history.
    ``overwrote``: somebody else's change of the same moment is lost, as ``detail`` says."""

    version: int | None
    entry: int | None
    detail: str = ""
    overwrote: bool = False


class ChangedMeanwhile(OperatorError):
    """Somebody else changed the device's deployment after the plan was made; nothing was sent. ``plan`` is the same change
    on top of theirs,
    ``theirs`` what they changed."""

    def __init__(self, plan: Plan, theirs: tuple[DiffLine, ...]) -> None:
        super().__init__(
            f"The deployment of {plan.device} was changed by somebody else in the meantime; nothing was sent.",
            cause=f"The device is at version {plan.before_version} now.",
            remedy="Look at the new difference and confirm it again.",
            code="deployment.changed-meanwhile",
        )
        self.plan = plan
        self.theirs = theirs


def plan(hub: Hub, device_id: str, changes: Sequence[Change]) -> Plan:
    """What ``changes`` would make of the device's deployment as it is now. Two metered reads; more for removed modules."""
    state = hub.device_state(device_id)
    before = _manifest(hub, state, _touched(state, changes))
    return _plan(hub, state, before, tuple(changes))


def _plan(hub: Hub, state: DeviceState, before: dict[str, Any], changes: tuple[Change, ...]) -> Plan:
    after = merge(before, *changes)
    wins = tuple(item for item in state.configurations if item.status.lower() in ("applied", "targeted"))
    files = [change.content for change in changes if isinstance(change, MergeContent)]
    left = [problem for given in files for problem in left_out(given, after)]
    return Plan(
        host=hub.host,
        device=state.device.id,
        changes=changes,
        summary=", ".join(describe(change) for change in changes),
        before_version=state.desired_version,
        before=before,
        after=after,
        diff=diff(before, after),
        commands=az_commands(hub.host, state.device.id),
        problems=(*_offline(state), *left, *validate(after, before=before, agent_version=state.agent_version)),
        configurations=wins,
        state=state,
    )


def _offline(state: DeviceState) -> tuple[ManifestProblem, ...]:
    """A device that is offline takes the deployment later. One of which nothing is known is no reason to warn of anything."""
    if state.liveness is None or state.liveness.word != "offline":
        return ()
    remedy = "It takes the deployment when it is connected again; see: dbe-console doctor"
    return (ManifestProblem(state.device.id, "warning", f"the device is offline: {state.liveness.basis}", remedy),)


def _touched(state: DeviceState, changes: Sequence[Change]) -> set[str]:
    """The modules whose own twins belong in the manifest: they are changed, or go and may be wanted back."""
    present = {module.name for module in state.modules if module.desired and not module.system}
    touched: set[str] = set()
    for change in changes:
        if isinstance(change, (SetModule, RemoveModule)):
            touched.add(change.name)
        elif isinstance(change, (MergeContent, ReplaceContent)):
            touched |= set(mapping(change.content.get("modulesContent")))
            if isinstance(change, ReplaceContent):
                touched |= present - set(modules_of(change.content))
    return touched & present


def _manifest(hub: Hub, state: DeviceState, touched: set[str]) -> dict[str, Any]:
    """What the device has now, with the own twins of ``touched`` modules: a metered read each."""
    twins = {name: twin for name in sorted(touched) if (twin := twin_desired(hub, state.device.id, name))}
    return content_of(state, twin_desired(hub, state.device.id, EDGE_HUB), twins)


def twin_desired(hub: Hub, device_id: str, module: str) -> dict[str, Any] | None:
    """The desired properties of a module's twin; None where the module has no identity yet, which is as good as none of them."""
    try:
        twin = hub.module_twin(device_id, module)
    except OperatorError as error:
        if error.code.rpartition(".")[2] == "module-missing":
            return None
        raise
    desired = mapping(mapping(twin.get("properties")).get("desired"))
    return {name: value for name, value in desired.items() if not name.startswith("$")}


def apply(hub: Hub, made: Plan, history: History, context: str = "") -> Applied:
    """Send the plan once. Raises ChangedMeanwhile where the device is not as it was, OperatorError where the plan has errors
    or the hub refuses;
    what then holds is in the history: ``failed`` where nothing was changed, ``pending`` where that could not be read
    (services.deployment.interrupted settles it)."""
    if made.errors:
        first = made.errors[0]
        raise OperatorError(
            f"The deployment is not sent: {first.place}: {first.message}", remedy=first.remedy, code="deployment.invalid"
        )
    if made.empty:
        return Applied(made.before_version, None, "The device has all of this already; nothing was sent.")
    try:
        state = hub.device_state(made.device)
        now = _manifest(hub, state, _touched(state, made.changes))
    except OperatorError as error:
        error.cause = f"{error.cause} Nothing was sent yet.".strip()
        raise
    if not unchanged(now, made.before):
        raise ChangedMeanwhile(_plan(hub, state, now, made.changes), diff(made.before, now))
    entry = history.begin(
        context=context,
        host=hub.host,
        device=made.device,
        route="hub",
        summary=made.summary,
        before=masked(made.before),
        after=masked(made.after),
        before_version=state.desired_version,
    )
    try:
        hub.apply(made.device, made.after)
    except OperatorError as error:
        settled: Outcome
        version = state.desired_version
        settled, version = _how_it_went(hub, made, version) if error.code in _UNANSWERED else ("failed", version)
        if settled == "applied":
            history.end(
                entry, "applied", f"The reply was lost ({error.what}), but the device's twin holds the deployment.", version
            )
            return Applied(version, entry, "The reply was lost, but the hub has taken the deployment.")
        if settled == "pending":
            history.leave(entry, error.what)
        else:
            history.end(entry, settled, error.what, version)
        error.cause = f"{error.cause} {_AFTERWARDS[settled]}".strip()
        raise
    return _verified(hub, made, history, entry, state.desired_version)


def _verified(hub: Hub, made: Plan, history: History, entry: int, before: int | None) -> Applied:
    """The twins are asked until they hold what was sent; where a deployment at scale applies, whether they still do a little
    later."""
    until = time.monotonic() + _SETTLE_SECONDS
    outlasts = time.monotonic() + (_AT_SCALE_SECONDS if made.configurations else 0.0)
    pause = 0.2
    held = False
    while True:
        try:
            state = hub.device_state(made.device)
        except OperatorError as error:
            detail = f"Sent and accepted, but the twin could not be read again: {error.what}"
            history.end(entry, "applied", detail)
            return Applied(None, entry, detail)
        now = time.monotonic()
        holds = _holds(state, made)
        if holds and now >= outlasts:
            version = state.desired_version
            others = 0 if made.configurations or None in (version, before) else (version or 0) - (before or 0) - 1
            detail = _OVERWROTE.format(first=(before or 0) + 1, device=made.device) if others > 0 else ""
            history.end(entry, "applied", detail, version)
            return Applied(version, entry, detail, others > 0)
        if not holds and (held or now > until):
            raise _overridden(state, history, entry)
        held = holds
        time.sleep(pause)
        pause *= 2


def _overridden(state: DeviceState, history: History, entry: int) -> OperatorError:
    names = ", ".join(item.id for item in state.configurations)
    cause = f"the deployment at scale {names}" if names else "another deployment"
    history.end(entry, "overridden", f"Accepted, but {cause} took its place.", state.desired_version)
    return OperatorError(
        "The hub accepted the deployment, but the device's twin does not hold it any more.",
        cause=f"Most likely {cause} took its place." if names else "Another deployment took its place at once.",
        remedy="Change the deployment at scale, or its target condition, instead."
        if names
        else f"Look at what the device has now. What it had before is in the history: H and B, or `dbe-console rollback {entry}`.",
        code="deployment.overridden",
    )


def _holds(state: DeviceState, made: Plan) -> bool:
    """Whether the agent's twin asks for what the plan asks for."""
    now = {"modulesContent": {"$edgeAgent": {"properties.desired": agent_of(content_of(state))}}}
    wanted = {"modulesContent": {"$edgeAgent": {"properties.desired": dict(agent_of(made.after))}}}
    return unchanged(now, wanted)


def _how_it_went(hub: Hub, made: Plan, version: int | None) -> tuple[Outcome, int | None]:
    """What a device has after an apply that nobody answered, and its desired version where that could be read.

    The hub may still be at it when the connection is gone: the twins are read for some seconds before they count as untouched.
    """
    until = time.monotonic() + _SETTLE_SECONDS
    pause = 0.2
    while True:
        state: DeviceState | None
        try:
            state = hub.device_state(made.device)
            now = _manifest(hub, state, _touched(state, made.changes))
        except OperatorError:
            state = None
        if state is not None:
            if unchanged(now, made.after) or (_holds(state, made) and not _agent_unchanged(made)):
                return "applied", state.desired_version
            if state.desired_version != version:
                return "unknown", state.desired_version
        if time.monotonic() > until:
            return ("pending", None) if state is None else ("failed", version)
        time.sleep(pause)
        pause *= 2


def _agent_unchanged(made: Plan) -> bool:
    """Whether only routes or module twins change, so that the agent's twin cannot tell."""
    return agent_of(made.before) == agent_of(made.after)


def export(hub: Hub, device_id: str) -> dict[str, Any]:
    """The device's whole manifest with the desired properties of every module's twin, secrets included: one metered read a
    module."""
    state = hub.device_state(device_id)
    return _manifest(hub, state, {module.name for module in state.modules if module.desired and not module.system})


def outline(made: Plan) -> str:
    """What the plan does to which modules, in a sentence, and how many others it leaves alone."""
    old, new = modules_of(made.before), modules_of(made.after)
    named = (
        ("adds", [name for name in new if name not in old]),
        ("changes", [name for name in new if name in old and old[name] != new[name]]),
        ("removes", [name for name in old if name not in new]),
    )
    runtime, runs = (mapping(agent_of(content).get("systemModules")) for content in (made.before, made.after))
    of_the_runtime = [name for name in runs if runtime.get(name) != runs[name]]
    parts = [f"{verb} {', '.join(names)}" for verb, names in named if names]
    if of_the_runtime:
        parts.append(f"changes {', '.join(of_the_runtime)} of the runtime")
    done = "; ".join(parts) or "changes no module"
    same = sum(old.get(name) == module for name, module in new.items())
    others = {0: "there is no other module", 1: "one other module stays as it is"}.get(
        same, f"{same} other modules stay as they are"
    )
    return f"{done[:1].upper()}{done[1:]}; {others}."


def modules_named(made: Plan) -> tuple[str, ...]:
    """The modules that the plan adds or changes: those to be watched; edgeHub where the plan changes its routes alone."""
    old, new = modules_of(made.before), modules_of(made.after)
    names = tuple(name for name in new if old.get(name) != new[name])
    routes_alone = not names and set(old) == set(new) and _edge_hub_content(made.before) != _edge_hub_content(made.after)
    return ("edgeHub",) if routes_alone else names


def _edge_hub_content(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(content.get("modulesContent")).get(EDGE_HUB))
