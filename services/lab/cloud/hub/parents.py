"""Parents of devices in nested edges: which edge device a device speaks through.

Source: azure-iot-cli-extension operations/hub.py (_update_device_parent): an edge device's PUT names its ``parentScopes``,
another's its ``deviceScope``; an edge device's own ``deviceScope`` is what its children name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub.errors import HubError

if TYPE_CHECKING:
    from services.lab.cloud.hub.identity import Identity
    from services.lab.cloud.hub.model import Hub


def set_parent(hub: Hub, identity: Identity, body: Mapping[str, Any]) -> None:
    """Take the parent that a device's PUT names, if it names one; HubError 400028 where there is no such edge device."""
    scopes = body.get("parentScopes")
    if not identity.edge and "deviceScope" in body:  # the older of the two, and the one that az changes
        scopes = [body["deviceScope"]] if body["deviceScope"] else []
    if scopes is None:
        return
    edges = {device.scope for device in hub.devices() if device.edge and device is not identity}
    if not isinstance(scopes, list) or len(scopes) > 1 or not set(map(str, scopes)) <= edges:
        raise HubError(400028, f"The device scope {scopes} is not that of another edge device.")
    identity.parent_scopes = tuple(map(str, scopes))
