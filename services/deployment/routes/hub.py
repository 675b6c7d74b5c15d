"""The hub's route: plan against what the device has now, apply exactly that, and know how it went.

``applyConfigurationContent`` has no etag and replaces everything, and the twin API, which has etags, refuses $edgeAgent's desired
properties (401100; docs/facts/iot-hub.md). So the twins are read again just before it and compared with what the plan was made from; it
is sent once and never again; afterwards the twins are read to see whether they hold what was sent. A change by somebody else in the
moment between reading and sending is overwritten; the version, which rises by one a deployment, tells so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event
from typing import Any

from services.contexts.model import Context
from services.deployment.history import History
from services.deployment.manifest.changes import Change, MergeContent, RemoveModule, ReplaceContent, SetModule, describe
from services.deployment.manifest.content import agent_of, content_of, edge_hub_of, forwards_upstream, merge, modules_of
from services.deployment.manifest.diff import az_commands, diff, unchanged
from services.deployment.manifest.merge_warnings import left_out
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.manifest.validate import validate
from services.deployment.plan import Applied, ChangedMeanwhile, Plan, options_of
from services.deployment.routes.base import OnProgress, RouteRequest, Services
from services.errors import OperatorError
from services.hub.client import EDGE_HUB, Hub
from services.hub.field_readers import mapping
from services.records import DeviceState, Outcome, states
from services.text import json_text

_SETTLE_SECONDS = 5.0
_AT_SCALE_SECONDS = 6.0
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


class HubRoute:
    """The hub's route: a manifest merged from what the device has, set on it by ``applyConfigurationContent``."""

    name = "hub"
    title = "IoT Hub: merged into the device's deployment"

    def unavailable(self, context: Context) -> str:
        """Return an empty text: every context with a hub has this route."""
        return ""

    def plan(self, services: Services, request: RouteRequest) -> Plan:
        """Return the plan of host and client as changes of the device."""
        return plan_changes(services.hub, request.device, request.changes)

    def apply(self, services: Services, plan: Plan, progress: OnProgress | None = None, stopped: Event | None = None) -> Applied:
        """Send the plan once; see ``apply_plan``."""
        return apply_plan(services.hub, plan, services.history, services.context.name)


def plan_changes(hub: Hub, device_id: str, changes: Sequence[Change]) -> Plan:
    """Return what ``changes`` would make of the device's deployment as it is now. Two metered reads; more for removed modules."""
    state = hub.device_state(device_id)
    before = _manifest(hub, state, _touched(state, changes))
    return _planned(hub, state, before, tuple(changes))


def _planned(hub: Hub, state: DeviceState, before: dict[str, Any], changes: tuple[Change, ...]) -> Plan:
    after = merge(before, *changes)
    wins = tuple(item for item in state.configurations if item.status.lower() in ("applied", "targeted"))
    files = [change.content for change in changes if isinstance(change, MergeContent)]
    merge_problems = [problem for content in files for problem in left_out(content, after)]
    plan = Plan(
        route=HubRoute.name,
        host=hub.host,
        device=state.device.id,
        changes=changes,
        summary=", ".join(describe(change) for change in changes),
        before_version=state.desired_version,
        before=before,
        after=after,
        diff=diff(before, after),
        commands=az_commands(hub.host, state.device.id),
        problems=(*_offline(state), *merge_problems, *validate(after, before=before, agent_version=state.agent_version)),
        configurations=wins,
        state=state,
    )
    return replace(plan, problems=(*plan.problems, *_unrouted_clients(plan)))


def _unrouted_clients(plan: Plan) -> Iterator[ManifestProblem]:
    """Warn of clients whose results no route takes to the hub; one with a connection string of its own needs none."""
    for name in plan.clients:
        if not forwards_upstream(plan.after, name) and not _has_connection_string(modules_of(plan.after)[name]):
            route = f"FROM /messages/modules/{name}/* INTO $upstream"
            yield ManifestProblem(
                name, "warning", "is a client, and no route takes its results to the hub", f"Add the route: {route}"
            )


def _has_connection_string(module: Mapping[str, Any]) -> bool:
    """Return whether a module is given a connection string, in its environment or its create options."""
    return "DEVICE_CONNECTION_STRING" in json_text(module.get("env")) + options_of(module)


def _offline(state: DeviceState) -> tuple[ManifestProblem, ...]:
    """Warn that a device which is offline takes the deployment later; where nothing is known there is no reason to warn."""
    if state.liveness is None or state.liveness.word != "offline":
        return ()
    remedy = "It takes the deployment when it is connected again; see: dbe-console doctor"
    return (ManifestProblem(state.device.id, "warning", f"the device is offline: {state.liveness.basis}", remedy),)


def _touched(state: DeviceState, changes: Sequence[Change]) -> set[str]:
    """Return the modules whose own twins belong in the manifest: they are changed, or go and may be wanted back."""
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
    """Return what the device has now, with the own twins of ``touched`` modules: a metered read each."""
    twins = {name: twin for name in sorted(touched) if (twin := twin_desired(hub, state.device.id, name))}
    return content_of(state, twin_desired(hub, state.device.id, EDGE_HUB), twins)


def twin_desired(hub: Hub, device_id: str, module: str) -> dict[str, Any] | None:
    """Return the desired properties of a module's twin; None where the module has no identity yet, which is as good as none of them."""
    try:
        twin = hub.module_twin(device_id, module)
    except OperatorError as error:
        if error.state == states.MODULE_MISSING:
            return None
        raise
    desired = mapping(mapping(twin.get("properties")).get("desired"))
    return {name: value for name, value in desired.items() if not name.startswith("$")}


def apply_plan(hub: Hub, plan: Plan, history: History, context: str = "") -> Applied:
    """Send the plan once.

    Raises ChangedMeanwhile where the device is not as it was, OperatorError where the plan has errors or the hub refuses; what
    then holds is in the history: ``failed`` where nothing was changed, ``pending`` where that could not be read
    (services.deployment.interrupted settles it).
    """
    if plan.errors:
        raise plan.refusal
    if plan.empty:
        return Applied(plan.before_version, None, plan.nothing_sent)
    try:
        state = hub.device_state(plan.device)
        now = _manifest(hub, state, _touched(state, plan.changes))
    except OperatorError as error:
        error.cause = f"{error.cause} Nothing was sent yet.".strip()
        raise
    if not unchanged(now, plan.before):
        raise ChangedMeanwhile(_planned(hub, state, now, plan.changes), diff(plan.before, now))
    entry = history.begin(
        context=context,
        host=hub.host,
        device=plan.device,
        route="hub",
        summary=plan.summary,
        before=plan.before,
        after=plan.after,
        before_version=state.desired_version,
    )
    sent_at = datetime.now(timezone.utc)
    try:
        hub.apply(plan.device, plan.after)
    except OperatorError as error:
        settled: Outcome
        version = state.desired_version
        settled, version = _how_it_went(hub, plan, version) if error.state in states.OUTCOME_UNKNOWN else ("failed", version)
        if settled == "applied":
            history.end(
                entry, "applied", f"The reply was lost ({error.what}), but the device's twin holds the deployment.", version
            )
            return Applied(version, entry, "The reply was lost, but the hub has taken the deployment.", sent_at=sent_at)
        if settled == "pending":
            history.leave(entry, error.what)
        else:
            history.end(entry, settled, error.what, version)
        error.cause = f"{error.cause} {_AFTERWARDS[settled]}".strip()
        raise
    return _verified(hub, plan, history, entry, state.desired_version, sent_at)


def _verified(hub: Hub, plan: Plan, history: History, entry: int, before: int | None, sent_at: datetime) -> Applied:
    """Read the twins until they hold what was sent.

    Where a deployment at scale applies, look whether they still do a little later. The hub's 204 says that it accepted the
    content, and no more.
    """
    until = time.monotonic() + _SETTLE_SECONDS
    outlasts = time.monotonic() + (_AT_SCALE_SECONDS if plan.configurations else 0.0)
    pause = 0.2
    held_before = False
    while True:
        try:
            state = hub.device_state(plan.device)
            holds = _holds(hub, state, plan)
        except OperatorError as error:
            detail = f"Sent and accepted, but the twin could not be read again: {error.what}"
            history.leave(entry, detail)  # 204 says accepted, no more: a later look settles it
            return Applied(None, entry, detail, sent_at=sent_at)
        now = time.monotonic()
        if holds and now >= outlasts:
            version = state.desired_version
            others = 0 if plan.configurations or None in (version, before) else (version or 0) - (before or 0) - 1
            detail = _OVERWROTE.format(first=(before or 0) + 1, device=plan.device) if others > 0 else ""
            history.end(entry, "applied", detail, version)
            return Applied(version, entry, detail, others > 0, sent_at)
        if not holds and (held_before or now > until):
            if held_before or plan.configurations or state.desired_version != before:
                raise _overridden(state, history, entry)
            raise _not_taken(plan, history, entry)
        held_before = holds
        time.sleep(pause)
        pause *= 2


def _not_taken(plan: Plan, history: History, entry: int) -> OperatorError:
    """Say that the twin is as it was; whether the hub still takes it up is for the next console to see."""
    history.leave(entry, "Accepted, but the twin did not hold it yet.")
    return OperatorError(
        f"The hub accepted the deployment, and the twin of {plan.device} still holds what it had before.",
        cause="The hub has not taken it up, or something between here and the hub answered in its place.",
        remedy="Look at the device again in a moment; the history settles this entry by what the device has then.",
        code="deployment.not-taken",
    )


def _overridden(state: DeviceState, history: History, entry: int) -> OperatorError:
    names = ", ".join(item.id for item in state.configurations)
    cause = f"the deployment at scale {names}" if names else "another deployment"
    history.end(entry, "overridden", f"Accepted, but {cause} took its place.", state.desired_version)
    return OperatorError(
        "The hub accepted the deployment, but the device's twin does not hold it any more.",
        cause=f"Most likely {cause} took its place." if names else "Another deployment took its place at once.",
        remedy="Change the deployment at scale, or its target condition, instead."
        if names
        else f"Look at what the device has now. What it had before is in the history: `dbe-console rollback {entry}`.",
        code="deployment.overridden",
    )


def _holds(hub: Hub, state: DeviceState, plan: Plan) -> bool:
    """Return whether the twins ask for what the plan asks for.

    $edgeHub's own twin is read, a metered read, only where the plan changes it: a change of routes alone shows nowhere else.
    """
    if not unchanged(_agent_alone(agent_of(content_of(state))), _agent_alone(agent_of(plan.after))):
        return False
    if edge_hub_of(plan.before) == edge_hub_of(plan.after):
        return True
    return edge_hub_of(content_of(state, twin_desired(hub, plan.device, EDGE_HUB))) == edge_hub_of(plan.after)


def _agent_alone(desired: Any) -> dict[str, Any]:
    return {"modulesContent": {"$edgeAgent": {"properties.desired": dict(desired)}}}


def _how_it_went(hub: Hub, plan: Plan, version: int | None) -> tuple[Outcome, int | None]:
    """Return what a device has after an apply that nobody answered, and its desired version where that could be read.

    The hub may still be at it when the connection is gone: the twins are read for some seconds before they count as untouched.
    """
    until = time.monotonic() + _SETTLE_SECONDS
    pause = 0.2
    while True:
        state: DeviceState | None
        try:
            state = hub.device_state(plan.device)
            now = _manifest(hub, state, _touched(state, plan.changes))
        except OperatorError:
            state = None
        if state is not None:
            if unchanged(now, plan.after) or (not _agent_unchanged(plan) and _holds(hub, state, plan)):
                return "applied", state.desired_version
            if state.desired_version != version:
                return "unknown", state.desired_version
        if time.monotonic() > until:
            return ("pending", None) if state is None else ("failed", version)
        time.sleep(pause)
        pause *= 2


def _agent_unchanged(plan: Plan) -> bool:
    """Return whether only routes or module twins change, so that the agent's twin cannot tell."""
    return agent_of(plan.before) == agent_of(plan.after)


def export(hub: Hub, device_id: str) -> dict[str, Any]:
    """Return the device's whole manifest with the desired properties of every module's twin, secrets included.

    One metered read a module.
    """
    state = hub.device_state(device_id)
    return _manifest(hub, state, {module.name for module in state.modules if module.desired and not module.system})
