"""A twin as its own device or module reads it and reports to it, whatever carries that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from services.lab import strict_json
from services.lab.cloud.hub.errors import HubError
from services.lab.cloud.hub.model import Hub


@dataclass(frozen=True)
class Answer:
    """HTTP status, body, and the new version of what was reported."""

    status: int
    body: bytes = b""
    version: int | None = None


def read(hub: Hub, device: str, module: str) -> Answer:
    """Return both sections, without metadata."""
    try:
        twin = hub.identity(device, module).twin
    except HubError as error:
        return refused(error)
    return Answer(200, _json({"desired": twin.desired.view(metadata=False), "reported": twin.reported.view(metadata=False)}))


def report(hub: Hub, device: str, module: str, payload: bytes) -> Answer:
    """Merge a patch into the reported properties: 204."""
    try:
        patch = strict_json.loads(payload)
        if not isinstance(patch, dict):
            raise HubError(400004, "Reported properties must be an object.")
        return Answer(204, version=hub.patch_reported(device, module, patch))
    except HubError as error:
        return refused(error)
    except (ValueError, RecursionError):
        return refused(HubError(400004, "The reported properties are no JSON."))


def refused(error: HubError) -> Answer:
    """Return the answer that refuses, in the form that devices get."""
    return Answer(error.status, _json(error.device_body()))


def desired_patch(patch: dict[str, Any], version: int) -> bytes:
    """Return what a device is told of a change of its desired properties."""
    return json.dumps({**patch, "$version": version}).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
