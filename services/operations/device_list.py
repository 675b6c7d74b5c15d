"""The hub's devices, each with the judgement whether it is alive."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from services.diagnosis.liveness import judge
from services.errors import OperatorError
from services.hub.client import Hub
from services.records import Connection, Device, Liveness, LivenessWord

# What scripts read as ``connected``; None where it is not known.
CONNECTED: Mapping[LivenessWord, bool | None] = {"alive": True, "offline": False, "unknown": None}
_FEW = 3  # edge devices whose modules are read one by one, free of quota; more of them cost one query


_LOOKED_CLOSER = 10  # devices without a connection whose identities are read after such a query, free of quota


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device of the hub's list."""

    device: Device
    liveness: Liveness


def list_devices(hub: Hub, messages: Callable[[], Mapping[str, datetime]]) -> list[ListedDevice]:
    """Return every device, IoT Edge devices first.

    ``messages`` says when the newest message of each device came, as far as anybody listens; it is asked where a device is not
    alive without them. Up to three edge devices are free of quota; more cost one query.
    """
    devices = hub.devices()
    connections = connections_of_many(hub, devices)
    now = datetime.now(timezone.utc)
    signs = [hub.life_signs(device, connections=connections.get(device.id)) for device in devices]
    judged = [judge(each, now) for each in signs]
    if any(liveness.word != "alive" for liveness in judged):
        newest = messages()
        judged = [judge(replace(each, message=newest.get(each.device.id)), now) for each in signs]
    return [ListedDevice(liveness.signs.device, liveness) for liveness in judged]


def connections_of_many(hub: Hub, devices: Sequence[Device]) -> dict[str, Sequence[Connection]]:
    """Return the connections of the modules of many devices by one query.

    Nothing where the devices are few, or the hub answers no query: they are read one by one then, as far as the budget for
    identities goes. So are the first of those with no connection: a query does not say when it was lost, after the newest message
    or before.
    """
    edge = [device.id for device in devices if device.edge]
    if len(edge) <= _FEW:
        return {}
    with contextlib.suppress(OperatorError):
        by_device = hub.connections()
        silent = [device for device, rows in by_device.items() if rows and not any(one.connected for one in rows)]
        return {device: by_device.get(device, []) for device in edge if device not in silent[:_LOOKED_CLOSER]}
    return {}
