"""A hub as an operator uses it: devices, twins, direct methods, deployments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from services.contexts.hub_api import REPLY_CODE, SUBJECT, HubApi
from services.contexts.model import Context
from services.contexts.read_only import may_change
from services.diagnosis.liveness import judge
from services.errors import OperatorError
from services.hub.calls import HubCalls
from services.hub.field_readers import mapping, number, word
from services.hub.identities import BUDGET_SPENT, Identities, connection_of, connections_of
from services.hub.quota import QuotaMeter
from services.hub.twin import device_of, edge_hub_of, state_of
from services.records import Connection, Device, DeviceState, EdgeHubState, LifeSigns, Observer, Ping, states
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.content import Owed
from services.replies.faults import reply_fault

if TYPE_CHECKING:
    from requests import Response

AGENT = "$edgeAgent"
EDGE_HUB = "$edgeHub"
# The edge agent's methods that only look (docs/facts/iot-hub.md); every other one may change something.
LOOKING = frozenset({"ping", "GetModuleLogs", "GetLogs", "GetTaskStatus"})
_DEVICES = 1000
_PAGES = 20
_ALL_DEVICES = "SELECT deviceId, status, statusReason, connectionState, lastActivityTime, capabilities, deviceScope, parentScopes FROM devices"
_ALL_MODULES = "SELECT deviceId, moduleId, connectionState FROM devices.modules"
# Seconds for which a device's identity and those of its modules are not read again: the first changes seldom, and a query over all is metered.
_DEVICE_FRESH, _MODULES_FRESH, _QUERY_FRESH = 30.0, 10.0, 60.0


@dataclass(frozen=True, slots=True)
class MethodReply:
    """What a direct method answered: its own status (200, 400, 500…) and payload."""

    status: int
    payload: Any


@dataclass(frozen=True, slots=True)
class Configuration:
    """A deployment at scale: ``target`` is its condition, the highest ``priority`` wins on a device."""

    id: str
    target: str
    priority: int
    applied: int | None
    targeted: int | None


class Hub:
    """One IoT Hub. Calls are plain and blocking and may come from several threads; every failure is an OperatorError."""

    def __init__(self, context: Context, observe: Observer | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.host = context.hub.host if context.hub else ""
        self.context = context
        self.meter = QuotaMeter(self.host)
        self.identities = Identities()
        self.pings: dict[str, Ping] = {}  # the last of each device
        self._calls = HubCalls(context, self.meter, observe, bounds)

    @classmethod
    def open(cls, context: Context, observe: Observer | None = None) -> Hub:
        """Return the hub of a context. Nothing is sent before the first call; ``observe`` is given every raw reply."""
        return cls(context, observe)

    def devices(self) -> list[Device]:
        """Return the device identities, IoT Edge devices first. Free of quota up to 1,000; more of them are queried for, which is metered."""
        rows = self.identities.read("devices", self._list).json
        devices = {device.id: device for row in rows if (device := device_of(row))}
        if rows and not devices:
            raise _strange("No row of its list of devices has the id of one.")
        return sorted(devices.values(), key=lambda device: (not device.edge, device.id))

    def _list(self) -> list[Any]:
        rows = self._registry_read(lambda api: api.devices(_DEVICES), "list")
        return self.query(_ALL_DEVICES) if len(rows) >= _DEVICES else rows

    def query(self, text: str) -> list[Mapping[str, Any]]:
        """Return the rows of a query over twins, 20,000 at most. Metered by what comes back; a hub allows 20 queries a minute and unit."""
        rows: list[Mapping[str, Any]] = []
        continuation: str | None = None
        for _ in range(_PAGES):
            call = partial(_page, text, continuation)
            reply = self._calls.run(call, "list", charge="reply", again=True)
            rows += reply.json
            continuation = reply.continuation or None
            if continuation is None:
                break
        return rows

    @property
    def waits_for(self) -> OperatorError | None:
        """What the hub answered, while a call waits to be repeated: that it throttles, or is in trouble."""
        return self._calls.waits_for

    def device(self, device_id: str, fresh: float = 0.0) -> Device:
        """Return one device's identity, read again where what was read is older than ``fresh`` seconds. Free of quota."""
        device = device_of(self._identity(device_id, fresh))
        if device is None:
            raise _strange(f"It was asked about {device_id!r}, and the reply holds no device.")
        return device

    def _identity(self, device_id: str, fresh: float = 0.0) -> Any:
        _in_path(device_id)
        return self.identities.read(
            f"device {device_id}", lambda: self._registry_read(lambda api: api.device(device_id), "object"), fresh
        ).json

    def _registry_read(self, call: Callable[[HubApi], Response], owed: Owed) -> Any:
        return self._calls.run(call, owed, again=True).json

    def device_state(self, device_id: str) -> DeviceState:
        """Return the device by its identity, its modules' identities and its edge agent's twin: one metered read."""
        try:
            device = self.device(device_id, _DEVICE_FRESH)
        except OperatorError as error:
            if error.code != BUDGET_SPENT:
                raise
            device = Device(device_id, None)  # an agent's twin is there for IoT Edge devices only
        if not device.edge:
            raise OperatorError(
                f"{device_id} is no IoT Edge device.",
                cause="Its identity was registered without the IoT Edge capability, so that nothing can be deployed to it.",
                remedy="Choose another: dbe-console devices.",
                code="hub.not-edge",
            )
        return self.state_of(device)

    def state_of(self, device: Device, connections: Sequence[Connection] | None = None) -> DeviceState:
        """Return the state of a device whose identity was read, and maybe the ``connections`` of its modules."""
        _in_path(device.id)
        now = datetime.now(timezone.utc)
        state = state_of(device, self.module_twin(device.id, AGENT), now)
        return replace(state, liveness=judge(self.life_signs(device, state, connections), now))

    def life_signs(
        self, device: Device, state: DeviceState | None = None, connections: Sequence[Connection] | None = None
    ) -> LifeSigns:
        """Return what the hub knows of whether ``device`` is alive.

        The ``connections`` of its modules (read where they are not given), its last ping from here, and what the twin in
        ``state`` says. Free of quota; what the hub does not give is missing.
        """
        age, unread = 0.0, ""
        if device.edge and connections is None:
            try:
                connections, age = self._connections(device.id, _MODULES_FRESH)
            except OperatorError as error:
                unread = f"the module identities cannot be read: {error.what}"
        edge_hub = state.module("edgeHub") if state is not None else None
        reported = edge_hub.reported if edge_hub is not None else None
        return LifeSigns(
            device=device,
            connections=tuple(connections) if connections is not None else None,
            connections_at=datetime.now(timezone.utc) - timedelta(seconds=age),
            unread=unread,
            ping=self.pings.get(device.id),
            reported_at=state.reported_at if state is not None else None,
            edge_hub_runs=reported.runtime_status.lower() == "running" if reported is not None else None,
        )

    def connections(self) -> dict[str, list[Connection]]:
        """Return the connections of all modules of all devices, by device: one query, at most once a minute. Metered."""
        rows = self.identities.read("connections", lambda: self.query(_ALL_MODULES), _QUERY_FRESH).json
        by_device: dict[str, list[Connection]] = {}
        for fields in rows:
            by_device.setdefault(word(fields.get("deviceId")), []).append(connection_of(fields))
        return by_device

    def _connections(self, device_id: str, fresh: float) -> tuple[tuple[Connection, ...], float]:
        """Return the connections of a device's modules and their age in seconds."""
        _in_path(device_id)
        reply = self.identities.read(
            f"modules {device_id}", lambda: self._registry_read(lambda api: api.modules(device_id), "list"), fresh
        )
        return connections_of(reply.json), reply.age

    def connection_changes(
        self, device_id: str, fresh: float = 0.0, *, own: bool = True, modules: bool = True
    ) -> dict[str, datetime]:
        """Return when each module identity last connected or disconnected; "" is the device's ``own``.

        Free of quota, a call for each of the two kinds.
        """
        connections = self._connections(device_id, fresh)[0] if modules else ()
        if own:
            connections += (replace(connection_of(self._identity(device_id, fresh)), module=""),)
        return {one.module: one.changed for one in connections if one.changed is not None}

    def module_twin(self, device_id: str, module: str) -> dict[str, Any]:
        """Return a module's twin as the hub gave it: it may hold secrets. One metered read."""
        _in_path(device_id, module)
        reply = self._calls.run(lambda api: api.module_twin(device_id, module), "object", charge="reply", again=True)
        if not isinstance(reply.json.get("properties"), dict):
            raise _strange(f"It was asked for the twin of {module} on {device_id}, and the reply holds no properties.")
        return dict(reply.json)

    def edge_hub(self, device_id: str) -> EdgeHubState | None:
        """Return what the device's edge hub made of its configuration; None where the device has none yet. One metered read."""
        try:
            return edge_hub_of(self.module_twin(device_id, EDGE_HUB), datetime.now(timezone.utc))
        except OperatorError as error:
            if error.state == states.MODULE_MISSING:
                return None
            raise

    def patch_module_twin(self, device_id: str, module: str, patch: Mapping[str, Any], etag: str) -> dict[str, Any]:
        """Change desired properties (``patch``) where the twin still has this ``etag``; null removes a key. The new twin."""
        may_change(self.context, "change a twin")
        _in_path(device_id, module)
        reply = self._calls.run(lambda api: api.patch_module_twin(device_id, module, patch, etag), "object", charge="request")
        return dict(reply.json)

    def invoke(
        self, device_id: str, module: str | None, method: str, payload: Any, response_timeout: int = 30, connect_timeout: int = 10
    ) -> MethodReply:
        """Call a direct method of a module, or of the device (``module`` None); timeouts in seconds.

        Metered: request and reply each, offline devices too.
        """
        if module != AGENT or method not in LOOKING:
            may_change(self.context, f"invoke {method}")
        _in_path(device_id, module or "")
        # The hub allows 5 to 300 s for the reply and 0 to 300 s for the device to come online.
        response_timeout = min(max(response_timeout, 5), 300)
        connect_timeout = min(max(connect_timeout, 0), 300)
        fields = self._calls.run(
            lambda api: api.invoke(device_id, module, method, payload, response_timeout, connect_timeout),
            "object",
            charge="exchange",
        ).json
        status = number(fields.get("status"))
        if status is None:
            raise _strange(f"It does not say how {method} ended on {device_id}.")
        return MethodReply(status, fields.get("payload"))

    def apply(self, device_id: str, content: Mapping[str, Any]) -> None:
        """Set a device's whole deployment: modules that are absent from ``content`` are removed from the device.

        ``content`` is ``{"modulesContent": …}``. Returning means that the hub accepted it, and no more. There is no etag: read
        the version just before, and verify after (services.deployment.routes.hub does).
        """
        may_change(self.context, "deploy")
        _in_path(device_id)
        modules_content = mapping(content.get("modulesContent"))
        self._calls.run(lambda api: api.apply(device_id, modules_content), "acceptance", charge="request")

    def configurations(self) -> list[Configuration]:
        """Return the deployments at scale, highest priority first."""
        rows = self._calls.run(lambda api: api.configurations(100), "list", again=True).json
        items = []
        for fields in rows:
            results = mapping(mapping(fields.get("systemMetrics")).get("results"))
            items.append(
                Configuration(
                    id=word(fields.get("id")),
                    target=word(fields.get("targetCondition")),
                    priority=number(fields.get("priority")) or 0,
                    applied=number(results.get("appliedCount")),
                    targeted=number(results.get("targetedCount")),
                )
            )
        return sorted(items, key=lambda row: -row.priority)

    def statistics(self) -> dict[str, int]:
        """Return the devices: total, enabled, disabled, and connected. Free of quota."""
        registry = self._registry_read(lambda api: api.device_statistics(), "object")
        service = self._registry_read(lambda api: api.service_statistics(), "object")
        names = {"total": "totalDeviceCount", "enabled": "enabledDeviceCount", "disabled": "disabledDeviceCount"}
        counts = {name: number(registry.get(key)) for name, key in names.items()}
        counts["connected"] = number(service.get("connectedDeviceCount"))
        missing = [name for name, count in counts.items() if count is None]
        if missing:
            raise _strange(f"Its statistics name no number of devices that are {' or '.join(missing)}.")
        return {name: count or 0 for name, count in counts.items()}

    def clock(self) -> str:
        """Return the hub's own clock, from the Date header of a reply that costs nothing.

        For telling a skewed clock from a wrong key.
        """
        return self._calls.run(lambda api: api.service_statistics(), "object", again=True).date


def _page(text: str, continuation: str | None, api: HubApi) -> Response:
    return api.query(text, continuation, _DEVICES)


def _in_path(*names: str) -> None:
    """Raise where an id cannot stand in a URL's path: ``.`` and ``..`` mean another place there, percent-encoded too (RFC 3986)."""
    for name in names:
        if name in (".", ".."):
            raise OperatorError(
                f"No device or module can be reached by the id {name!r}.",
                cause="In the path of a URL it stands for another place, and the hub is asked by URLs.",
                remedy="Check the id: `dbe-console devices` lists those there are.",
                code="hub.bad-id",
            )


def _strange(detail: str) -> OperatorError:
    return reply_fault("content", SUBJECT, REPLY_CODE, detail)
