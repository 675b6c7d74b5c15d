"""Deployments whose end no console saw, because it was killed or lost the hub: what the device has now tells how they went."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from services.deployment.history import History
from services.deployment.manifest.content import agent_of, content_of, edge_hub_of
from services.deployment.manifest.masking import masked
from services.deployment.routes.hub import twin_desired
from services.hub.client import EDGE_HUB, Hub
from services.hub.field_readers import mapping
from services.masking import MASK, MASKED
from services.records import EdgeService, HistoryEntry

_FINAL = ("Healthy", "Unhealthy", "Failed", "Succeeded", "Unschedulable")
_ENDED = "Nobody saw how this ended"


def settle(hub: Hub, history: History, services: Callable[[], Sequence[EdgeService]] | None = None) -> list[HistoryEntry]:
    """Return the entries that are settled now.

    ``services`` reads those of the workspace, where there is one; it is asked only where a deployment by Azure ML was
    interrupted, and what it raises is raised: the entries stay as they are until it answers.
    """
    settled = []
    for entry in history.pending(hub.host):
        if entry.route == "hub":
            _by_the_hub(hub, history, entry)
        elif entry.route == "azureml" and services is not None:
            if not _by_azureml(hub, history, entry, services()):
                continue
        elif entry.route == "azureml":
            continue  # told by a console that knows the workspace
        else:
            history.end(entry.id, "unknown", f"{_ENDED}.", orphan=True)
        settled.append(history.entry(entry.id))
    # An entry may have been ended by its own console since the list was read: that is nothing to be told of.
    return [entry for entry in settled if entry.detail.startswith(_ENDED)]


def _by_the_hub(hub: Hub, history: History, entry: HistoryEntry) -> None:
    state = hub.device_state(entry.device)
    version = state.desired_version
    now = masked(content_of(state, twin_desired(hub, entry.device, EDGE_HUB)))
    if _same(now, entry.after):
        history.end(entry.id, "applied", f"{_ENDED}; the device holds the deployment.", version, orphan=True)
    elif version == entry.before_version or _same(now, entry.before):
        history.end(entry.id, "failed", f"{_ENDED}; the device has what it had before.", version, orphan=True)
    else:
        history.end(entry.id, "unknown", f"{_ENDED}; the device has another deployment by now.", version, orphan=True)


def _same(now: Any, stored: Any) -> bool:
    """Return whether two masked manifests ask the same of agent and routes; the secrets count where the stored one has their digests."""
    texts = [
        json.dumps([agent_of(content), mapping(edge_hub_of(content).get("routes"))], sort_keys=True, ensure_ascii=False)
        for content in (now, stored)
    ]
    if any(mask.group() == MASK for mask in MASKED.finditer(texts[1])):  # an older console kept none
        texts = [MASKED.sub(MASK, text) for text in texts]
    return texts[0] == texts[1]


def _by_azureml(hub: Hub, history: History, entry: HistoryEntry, services: Sequence[EdgeService]) -> bool:
    """Return False where Azure ML still works on it."""
    deleted = entry.summary.startswith("delete service ")
    name = entry.summary.removeprefix("delete ").removeprefix("service ").partition(":")[0]
    service = next((candidate for candidate in services if candidate.name == name), None)
    state = hub.device_state(entry.device) if entry.device else None
    version = state.desired_version if state else None
    if service is None:
        if deleted:
            history.end(entry.id, "applied", f"{_ENDED}; the workspace has no service {name} any more.", version, orphan=True)
        else:
            changed = "" if version == entry.before_version else " What the device had of it before may be gone."
            history.end(entry.id, "failed", f"{_ENDED}; the workspace has no service {name}.{changed}", version, orphan=True)
    elif service.state not in _FINAL:
        return False
    elif deleted:
        history.end(entry.id, "failed", f"{_ENDED}; the service {name} is still there.", version, orphan=True)
    elif version == entry.before_version and state is not None:
        history.end(entry.id, "failed", f"{_ENDED}; the device has what it had before.", version, orphan=True)
    elif service.state == "Healthy":
        after = content_of(state, twin_desired(hub, entry.device, EDGE_HUB)) if state else None
        history.end(entry.id, "applied", f"{_ENDED}; the service {name} is {service.state}.", version, after, orphan=True)
    else:
        history.end(
            entry.id, "failed", f"{_ENDED}; the service {name} is {service.state}. {service.error}".strip(), version, orphan=True
        )
    return True
