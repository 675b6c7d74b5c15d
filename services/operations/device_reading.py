"""A device's state with its edge hub's: one device read whole, or again and again at little cost.

$edgeHub has a twin of its own, and each twin read is metered. One query over devices.modules for both twins would save a message
at most (queries are metered by their size, too), is throttled at 20 a minute, and may lag behind the twins by minutes
(docs/facts/iot-hub.md). edgeHub's configuration changes with a deployment only, so its twin is read with every tenth reading, and
at once where there is a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.diagnosis.applied import is_settled
from services.diagnosis.liveness import judge_again
from services.hub.client import Hub
from services.records import Connection, Device, DeviceState, EdgeHubState

_EVERY = 10  # readings of the device for one of its edge hub's twin: five minutes apart at the pane's half minute
_UNSETTLED = 2  # the same, while the edge hub refuses its configuration or has not taken it


def read_whole(hub: Hub, device: Device | str, connections: Sequence[Connection] | None = None) -> DeviceState:
    """Return a device with its edge hub: two metered reads. ``connections`` of its modules are read where they are not given."""
    if isinstance(device, str):
        return _with_edge_hub(hub.device_state(device), hub.edge_hub(device))
    return _with_edge_hub(hub.state_of(device, connections), hub.edge_hub(device.id))


def _with_edge_hub(state: DeviceState, edge_hub: EdgeHubState | None) -> DeviceState:
    """Return the state with what its edge hub says, which counts among the signs of life."""
    state = replace(state, edge_hub=edge_hub)
    return judge_again(state, clients=edge_hub.clients, clients_at=edge_hub.reported_at) if edge_hub is not None else state


class DeviceReading:
    """Reads one device again and again, and keeps what its edge hub said last.

    ``every`` and ``unsettled`` are the readings of the device for one of its edge hub: where that has taken its configuration,
    and where not.
    """

    def __init__(self, hub: Hub, device_id: str, every: int = _EVERY, unsettled: int = _UNSETTLED) -> None:
        self.hub = hub
        self.device_id = device_id
        self._every = every
        self._unsettled = unsettled
        self._edge_hub: EdgeHubState | None = None
        self._version: int | None = None
        self._age = 0  # readings since the edge hub's twin was read

    def read(self, on_request: bool = False) -> DeviceState:
        """Return the device's state.

        The edge hub's twin is read where the operator ``on_request``, where the deployment changed, and else seldom.
        """
        state = self.hub.device_state(self.device_id)
        self._age += 1
        limit = self._every if self._edge_hub is not None and is_settled(self._edge_hub) else self._unsettled
        if on_request or self._version is None or state.desired_version != self._version or self._age >= limit:
            self._edge_hub = self.hub.edge_hub(self.device_id)
            self._version, self._age = state.desired_version, 0
        return _with_edge_hub(state, self._edge_hub)
