"""A hub as an operator uses it: devices, twins, direct methods, deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from services.contexts.model import Context
from services.contexts.read_only import may_change
from services.errors import OperatorError
from services.hub.calls import CONNECT_SECONDS, HubCalls
from services.hub.quota import QuotaMeter
from services.hub.tolerant import mapping, moment, number, word
from services.hub.twin import device_of, edge_hub_of, state_of
from services.records import Device, DeviceState, EdgeHubState, Observer

AGENT = "$edgeAgent"
EDGE_HUB = "$edgeHub"
# The edge agent's methods that only look (docs/facts/iot-hub.md); every other one may change something.
LOOKING = frozenset({"ping", "GetModuleLogs", "GetTaskStatus"})
_DEVICES = 1000


@dataclass(frozen=True, slots=True)
class MethodReply:
    """What a direct method answered: its own status (200, 400, 500…) and payload."""

    status: int | None
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

    def __init__(self, context: Context, observe: Observer | None = None) -> None:
        self.host = context.hub.host if context.hub else ""
        self.context = context
        self.meter = QuotaMeter(self.host)
        self._calls = HubCalls(context, self.meter, observe)

    @classmethod
    def open(cls, context: Context, observe: Observer | None = None) -> Hub:
        """The hub of a context. Nothing is sent before the first call; ``observe`` is given every raw reply."""
        return cls(context, observe)

    def devices(self) -> list[Device]:
        """The device identities (up to 1,000), IoT Edge devices first. Free of quota."""
        rows = self._calls.registry(lambda manager: manager.get_devices(_DEVICES), again=True).json
        found = [device for row in rows or [] if (device := device_of(row))] if isinstance(rows, list) else []
        return sorted(found, key=lambda device: (not device.edge, device.id))

    def device(self, device_id: str) -> Device:
        """One device's identity. Free of quota."""
        _in_path(device_id)
        identity = self._calls.registry(lambda manager: manager.get_device(device_id), again=True).json
        found = device_of(identity)
        if found is None:
            raise _no_reply_of_a_hub(f"The hub's reply about {device_id!r} holds no device.")
        return found

    def device_state(self, device_id: str) -> DeviceState:
        """The device by its identity and its edge agent's twin: one metered read."""
        device = self.device(device_id)
        if not device.edge:
            raise OperatorError(
                f"{device_id} is no IoT Edge device.",
                cause="Its identity was registered without the IoT Edge capability, so that nothing can be deployed to it.",
                remedy="Choose another: dbe-console devices.",
                code="hub.not-edge",
            )
        return state_of(device, self.module_twin(device_id, AGENT), datetime.now(timezone.utc))

    def connection_changes(self, device_id: str) -> dict[str, datetime]:
        """When each module identity last connected or disconnected; "" is the device's own. Free of quota."""
        _in_path(device_id)
        rows = self._calls.registry(lambda manager: manager.get_modules(device_id), again=True).json
        own = self._calls.registry(lambda manager: manager.get_device(device_id), again=True).json
        times = {
            word(fields.get("moduleId")): moment(fields.get("connectionStateUpdatedTime"))
            for fields in map(mapping, [*(rows if isinstance(rows, list) else []), own])
        }
        return {module: changed for module, changed in times.items() if changed is not None}

    def module_twin(self, device_id: str, module: str) -> dict[str, Any]:
        """A module's twin as the hub gave it: it may hold secrets. One metered read."""
        _in_path(device_id, module)
        reply = self._calls.registry(lambda manager: manager.get_module_twin(device_id, module), metered=True, again=True)
        if not isinstance(reply.json, dict):
            raise _no_reply_of_a_hub(f"The hub's reply holds no twin of {module} on {device_id}.")
        return reply.json

    def edge_hub(self, device_id: str) -> EdgeHubState | None:
        """What the device's edge hub made of its configuration; None where the device has none yet. One metered read."""
        try:
            return edge_hub_of(self.module_twin(device_id, EDGE_HUB), datetime.now(timezone.utc))
        except OperatorError as error:
            if error.code.rpartition(".")[2] == "module-missing":
                return None
            raise

    def patch_module_twin(self, device_id: str, module: str, patch: Mapping[str, Any], etag: str) -> dict[str, Any]:
        """Change desired properties (``patch``) where the twin still has this ``etag``; null removes a key. The new twin."""
        from azure.iot.hub.protocol.models import Twin, TwinProperties

        may_change(self.context, "change a twin")
        _in_path(device_id, module)
        twin = Twin(properties=TwinProperties(desired=dict(patch)))
        reply = self._calls.registry(lambda manager: manager.update_module_twin(device_id, module, twin, etag), metered=True)
        return dict(mapping(reply.json))

    def invoke(
        self, device_id: str, module: str | None, method: str, payload: Any, response_timeout: int = 30, connect_timeout: int = 10
    ) -> MethodReply:
        """Call a direct method of a module, or of the device (``module`` None); timeouts in seconds. Metered, offline
        devices too."""
        from azure.iot.hub.protocol.models import CloudToDeviceMethod

        if module != AGENT or method not in LOOKING:
            may_change(self.context, f"invoke {method}")
        _in_path(device_id, module or "")
        # The hub allows 5 to 300 s for the reply and 0 to 300 s for the device to come online.
        response_timeout = min(max(response_timeout, 5), 300)
        connect_timeout = min(max(connect_timeout, 0), 300)
        request = CloudToDeviceMethod(
            method_name=method,
            payload=payload,
            response_timeout_in_seconds=response_timeout,
            connect_timeout_in_seconds=connect_timeout,
        )
        # The managers' own methods take no timeout, and the read must outlast the method.
        limits = (CONNECT_SECONDS, response_timeout + connect_timeout + 10)

        def call(manager: Any) -> None:
            if module is None:
                manager.protocol.devices.invoke_method(device_id, request, timeout=limits)
            else:
                manager.protocol.modules.invoke_method(device_id, module, request, timeout=limits)

        fields = mapping(self._calls.registry(call, metered=True).json)
        return MethodReply(number(fields.get("status")), fields.get("payload"))

    def apply(self, device_id: str, content: Mapping[str, Any]) -> None:
        """Set a device's whole deployment (``content``: ``{"modulesContent": …}``): modules that are absent are removed from
        the device.

        There is no etag: read the version just before, and verify after (services.deployment.hub_route does).
        """
        from azure.iot.hub.protocol.models import ConfigurationContent

        may_change(self.context, "deploy")
        _in_path(device_id)
        body = ConfigurationContent(modules_content=dict(mapping(content.get("modulesContent"))))
        self._calls.configuration(lambda manager: manager.apply_configuration_on_edge_device(device_id, body), metered=True)

    def configurations(self) -> list[Configuration]:
        """The deployments at scale, highest priority first."""
        rows = self._calls.configuration(lambda manager: manager.get_configurations(100), again=True).json
        found = []
        for fields in map(mapping, rows if isinstance(rows, list) else []):
            results = mapping(mapping(fields.get("systemMetrics")).get("results"))
            found.append(
                Configuration(
                    id=word(fields.get("id")),
                    target=word(fields.get("targetCondition")),
                    priority=number(fields.get("priority")) or 0,
                    applied=number(results.get("appliedCount")),
                    targeted=number(results.get("targetedCount")),
                )
            )
        return sorted(found, key=lambda row: -row.priority)

    def statistics(self) -> dict[str, int]:
        """Devices: total, enabled, disabled, and connected. Free of quota."""
        registry = mapping(self._calls.registry(lambda manager: manager.get_device_registry_statistics(), again=True).json)
        service = mapping(self._calls.registry(lambda manager: manager.get_service_statistics(), again=True).json)
        names = {"total": "totalDeviceCount", "enabled": "enabledDeviceCount", "disabled": "disabledDeviceCount"}
        found = {name: number(registry.get(key)) or 0 for name, key in names.items()}
        return {**found, "connected": number(service.get("connectedDeviceCount")) or 0}

    def clock(self) -> str:
        """The hub's own clock, from the Date header of a reply that costs nothing; for telling a skewed clock from a wrong
        key."""
        return self._calls.registry(lambda manager: manager.get_service_statistics(), again=True).date


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


def _no_reply_of_a_hub(what: str) -> OperatorError:
    return OperatorError(
        what,
        cause="Something between here and the hub answers in its place, or the context names a host that is no IoT Hub.",
        remedy="Check the host in the context, and proxies on the way: dbe-console doctor.",
        code="hub.reply",
    )
