"""Twins over MQTT: read whole, reported properties patched."""

from __future__ import annotations

import json
from typing import Any

from services.lab import strict_json
from services.lab.hub import Hub, HubError

from .topics import Who

Answer = tuple[int, bytes, str]


def read(hub: Hub, who: Who) -> Answer:
    """Status, body and extra query of the answer to ``$iothub/twin/GET/``: both sections, without metadata."""
    try:
        twin = hub.identity(who.device, who.module).twin
    except HubError as error:
        return refused(error)
    return 200, _json({"desired": twin.desired.view(metadata=False), "reported": twin.reported.view(metadata=False)}), ""


def report(hub: Hub, who: Who, payload: bytes) -> Answer:
    """The same for ``$iothub/twin/PATCH/properties/reported/``: 204 with the new version."""
    try:
        patch = strict_json.loads(payload)
        if not isinstance(patch, dict):
            raise HubError(400004, "Reported properties must be an object.")
        version = hub.patch_reported(who.device, who.module, patch)
    except HubError as error:
        return refused(error)
    except (ValueError, RecursionError):
        return refused(HubError(400004, "The reported properties are no JSON."))
    return 204, b"", f"&$version={version}"


def refused(error: HubError) -> Answer:
    """The answer that refuses, in the form that devices get."""
    return error.status, _json(error.device_body()), ""


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
