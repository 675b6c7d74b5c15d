"""What the edge agent's report says of the newest deployment, and what of the one before.

The agent reports when a pass has ended, and only what changed (docs/facts/iot-hub.md): code and version of a report are often
those of the deployment before. A refusal (400, 412, 417) keeps the version of the deployment before although it is about the new
one (Azure/iotedge Agent.cs: ReconcileAsync). The hub's own times of both sides tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from services.diagnosis.image_names import same_image
from services.diagnosis.rule import SHOWN
from services.records import DeviceState, EdgeHubState, Evidence, Module

_REFUSALS = frozenset({400, 412, 417})
_NOT_RUNNING = 406
_NAMED = 5  # modules that a text names


def of_the_deployment(state: DeviceState) -> Iterator[Evidence]:
    """Yield the evidence of lastDesiredStatus and of the two versions."""
    code, text = state.last_desired_code, state.last_desired_description.strip()
    behind = is_behind(state) and bool(state.reported)
    if code is None:
        if not state.reported and not any(module.reported for module in state.modules):
            yield _evidence(state, "never-reported")
        elif state.reported.get("lastDesiredStatus"):
            yield _evidence(state, "deployment", f"lastDesiredStatus: {state.reported['lastDesiredStatus']!r}"[:SHOWN])
    elif is_refused(state):
        behind = False  # the agent has taken it up, and refuses it
        yield _evidence(state, "deployment", text, code)
    elif code in _REFUSALS and is_behind(state):
        yield _evidence(state, "refused-before", f"{code} {text}".strip())
    elif code == _NOT_RUNNING and not text:
        yield _evidence(state, "silent" if _all_unknown(state) else "step-waits", status=code)
    elif code not in (200, _NOT_RUNNING) and (not state.modules_listed or _all_unknown(state)):
        yield _evidence(state, "list-failed", text, code)
    elif code != 200 or text:
        yield _evidence(state, "deployment", text, code)
    if behind:
        yield _behind(state)


def is_behind(state: DeviceState) -> bool:
    """Return whether the hub has a newer deployment than the agent has reported on."""
    return (state.desired_version or 0) > (state.last_desired_version or 0)


def is_refused(state: DeviceState) -> bool:
    """Return whether the agent refuses the newest deployment, whose version it does not report then."""
    return state.last_desired_code in _REFUSALS and is_behind(state) and not is_of_the_one_before(state)


def is_of_the_one_before(state: DeviceState) -> bool:
    """Return whether the agent's last word on a deployment is older than the newest deployment; False where the hub gives no times."""
    reported_at = state.last_desired_at or state.reported_at
    return reported_at is not None and state.desired_at is not None and reported_at <= state.desired_at


def is_settled(edge_hub: EdgeHubState) -> bool:
    """Return whether the edge hub has taken the configuration that the hub holds for it, and does not refuse it."""
    last = edge_hub.last_desired_version
    return edge_hub.code in (None, 200) and last is not None and last >= (edge_hub.desired_version or 0)


def images_to_come(state: DeviceState) -> list[str]:
    """Return the modules whose image the device has not taken yet, as far as the agent has reported: they may be pulled now."""
    return [module.name for module in state.modules if module.desired is not None and not _has_image(module)]


def now_of(state: DeviceState) -> datetime:
    """Return when the state was read."""
    return state.read_at or datetime.now(timezone.utc)


def since_deployed(state: DeviceState) -> float | None:
    """Return the seconds since the newest deployment; None where the hub does not say."""
    return max((now_of(state) - state.desired_at).total_seconds(), 0.0) if state.desired_at else None


def _behind(state: DeviceState) -> Evidence:
    versions = (
        f"The hub has version {state.desired_version} of the deployment, the agent reports {state.last_desired_version or 0}."
    )
    names = images_to_come(state)
    more = "…" if len(names) > _NAMED else ""
    pulled = f"pulling {', '.join(names[:_NAMED])}{more}: " if names else ""
    return Evidence(
        "agent", code="version-behind", text=f"behind: {pulled}{versions}", state=state, seconds=since_deployed(state)
    )


def _has_image(module: Module) -> bool:
    desired, reported = module.desired, module.reported
    if reported is None:
        return False
    return not (desired and desired.image and reported.image) or same_image(desired.image, reported.image)


def _all_unknown(state: DeviceState) -> bool:
    """Return whether the agent knows no module's state: after its goodbye, or where its engine does not answer."""
    states = [module.reported.runtime_status.lower() for module in state.modules if module.reported]
    return bool(states) and all(status == "unknown" for status in states)


def _evidence(state: DeviceState, code: str, text: str = "", status: int | None = None) -> Evidence:
    return Evidence("agent", status=status, code=code, text=text, state=state)
