"""edgeHub of one device: takes messages of its clients, routes them, and reports into $edgeHub's twin.

Source: Azure/iotedge …Hub.Core/{EdgeHubConnection,config/TwinConfigSource,config/ConfigUpdater,RoutingEdgeHub}.cs
(docs/facts/hub-codes-and-routes.md, section 3).
"""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub import HubError
from services.lab.device.edge_hub_configuration import (
    UPSTREAM,
    Configuration,
    ConfigurationError,
    RouteInForce,
    destinations,
    put_in_force,
    read_configuration,
)
from services.lab.device.route_conditions import ConditionError, Message
from services.lab.device.versions import numbers, version_text

if TYPE_CHECKING:
    from services.lab.device.container import Container
    from services.lab.world import World

Json = dict[str, Any]
Input = Callable[[str, bytes, Mapping[str, Any]], None]
_MOST = 256 * 1024  # bytes of a message
_STORED = 10_000  # messages that wait for the hub; the device's disk is the real bound
# How messages name their system properties, as the hub has them and as conditions do.
_SYSTEM = {
    "message-id": "messageid",
    "correlation-id": "correlationid",
    "user-id": "userid",
    "content-type": "contenttype",
    "content-encoding": "contentencoding",
    "iothub-creation-time-utc": "creationtime",
}
_BAD_ROUTE = "Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown."


class EdgeHub:
    """The hub on the device. ``turn(container, away)`` moves it on; ``message`` is called by whoever listens for clients."""

    def __init__(self, world: World, device: str, pace: float = 1.0) -> None:
        self.world, self.device, self.pace = world, device, pace
        self.routes: list[RouteInForce] = []
        self.inputs: dict[str, Input] = {}  # of modules that listen, by name
        self._configuration: Configuration | None = None
        self._read: tuple[int, bool] | None = None  # the desired version that was read, and whether the fault was on
        self._life = ""  # when the process that is looked after began
        self._container: Container | None = None
        self.on_end: Callable[[], None] = lambda: None  # called when its process is no longer there: connections break
        self._stored: deque[tuple[float, str, bytes, Json, Json]] = deque(maxlen=_STORED)

    @property
    def running(self) -> bool:
        """Whether it takes messages: its container runs, and it has a configuration."""
        return self._container is not None and self._container.running and self._configuration is not None

    def _note(self, text: str, level: str = "INF") -> None:
        if self._container is not None:
            when = self.world.clock.utc().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            number = {"INF": 6, "WRN": 4, "ERR": 3}[level]
            self._container.log.write(self.world.clock.now(), f"<{number}> {when} +00:00 [{level}] - {text}")

    def turn(self, container: Container | None, away: bool) -> None:
        """Read the twin where it is another one, and send on what waits; ``away``: the hub is out of reach."""
        self._container = container
        if container is None or not container.running:
            if self._life:
                self.on_end()
            self._configuration, self._read, self._life, self.routes = None, None, "", []
            return
        if away:
            return
        if self._life != container.started:
            if self._life:
                self.on_end()
            self._life, self._configuration, self._read, self.routes = container.started, None, None, []
            self._report({"clients": None})
        self._take_up(container)
        self._flush()

    # Configuration

    def _take_up(self, container: Container) -> None:
        desired = self.world.hub.registered(self.device, "$edgeHub").twin.desired
        routes = json.dumps(desired.content.get("routes"), sort_keys=True)
        fault = self.world.faults.active("routes-refused", self.device, sign=routes) is not None
        if self._read == (desired.version, fault):
            return
        self._read = (desired.version, fault)
        version = version_text(container.module.image)
        report: Json = {
            "schemaVersion": "1.0",
            "version": {"version": version, "build": "20200624.1", "commit": "lab"},
            "lastDesiredVersion": desired.version,
        }
        try:
            if fault:
                raise ConfigurationError(
                    f"Error parsing route {next(iter(desired.content.get('routes') or ['upstream']))} - {_BAD_ROUTE}"
                )
            configuration = read_configuration(desired.content, numbers(version))
        except ConfigurationError as error:
            text = f"Error while parsing desired properties - {error}"
            self._report({**report, "lastDesiredStatus": {"code": 400, "description": text}})
            self._note(f"Error getting edge hub config from twin desired properties\n{error}", "ERR")
            if self._configuration is None:  # it has none to go on with
                self._note("Could not obtain twin neither from local store nor from cloud. EdgeHub cannot start", "ERR")
                container.kill(signal.SIGABRT)
            return
        self._report({**report, "lastDesiredStatus": {"code": 200, "description": ""}})
        try:
            self.routes = put_in_force(configuration)
        except ConditionError as error:
            self._note(f"Error getting edge hub configuration.\n{error}", "WRN")
            if self._configuration is None:
                container.kill(signal.SIGABRT)
            return
        self._configuration = configuration
        self._note(f"Set the following {len(self.routes)} route(s) in edge hub")

    def _report(self, patch: Json) -> None:
        try:
            self.world.hub.patch_reported(self.device, "$edgeHub", patch)
        except HubError as error:  # its identity is gone, or its reported properties are too many
            self.world.hub.log(f"edgeHub of {self.device}: {error}")

    # Clients

    def connected(self, module: str, on: bool) -> None:
        """Note that a client came or went: a module, or "" for the device itself."""
        name = f"{self.device}/{module}" if module else self.device
        now = self.world.clock.text()
        status: Json | None = {"status": "Connected", "lastConnectedTimeUtc": now, "lastDisconnectedTimeUtc": None}
        if not on:
            status = {"status": "Disconnected", "lastDisconnectedTimeUtc": now, "lastConnectedTimeUtc": None} if module else None
        if self._container is not None and self._container.running and not self.world.hub.offline(self.device):
            key = name.replace(".", "%2E").replace("$", "%24").replace(" ", "%20")
            self._report({"clients": {key: status}})

    def message(
        self, module: str, output: str, body: bytes, properties: Mapping[str, Any], system: Mapping[str, Any]
    ) -> list[str]:
        """Take a client's message and send it where the routes say; returns where. HubError where it is refused."""
        if len(body) > _MOST:
            raise HubError(413001, f"Message size exceeds maximum allowed size: got {len(body)}, limit {_MOST}")
        message = self._as_message(module, output, body, properties, system)
        endpoints = destinations(self.routes, message)
        for endpoint in endpoints:
            if endpoint == UPSTREAM:
                lasts = self._configuration.time_to_live if self._configuration is not None else 0.0
                waiting = (self.world.clock.now() + lasts, module, body, dict(properties), dict(system))
                if self._stored or not self._send(*waiting[1:]):
                    self._stored.append(waiting)
            else:
                name, _, place = endpoint.partition("/")
                if (deliver := self.inputs.get(name)) is not None:
                    deliver(place, body, properties)
        return endpoints

    def _as_message(
        self, module: str, output: str, body: bytes, properties: Mapping[str, Any], system: Mapping[str, Any]
    ) -> Message:
        source = f"/messages/modules/{module}" if module else "/messages"
        identity = self.world.hub.registered(self.device, module)
        system_properties = {_SYSTEM[key]: str(value) for key, value in system.items() if key in _SYSTEM}
        system_properties |= {"connectiondeviceid": self.device, "connectiondevicegenerationid": identity.generation}
        system_properties |= {"connectionmoduleid": module} if module else {}
        system_properties |= {"outputname": output} if output else {}
        return Message(
            f"{source}/outputs/{output}" if module and output else source,
            body,
            {key.lower(): str(value) for key, value in properties.items()},
            system_properties,
        )

    def _flush(self) -> None:
        """Send what waits upstream, in order; what has waited too long is forgotten."""
        while self._stored:
            expires, module, body, properties, system = self._stored[0]
            if self.world.clock.now() <= expires and not self._send(module, body, properties, system):
                return
            self._stored.popleft()

    def _send(self, module: str, body: bytes, properties: Json, system: Json) -> bool:
        """Send a message to the hub; False where it has to wait: the hub is out of reach, or the day's messages are used up."""
        hub = self.world.hub
        if hub.offline(self.device):
            return False
        try:
            hub.device_message(self.device, module or None, body, properties, system)
        except HubError as error:
            hub.log(f"edgeHub of {self.device}: {error}")
            return error.code != 403002
        return True
