"""The hub: identities with twins, who may do what, methods, events. One event loop, one thread; nothing here blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub import sas
from services.lab.cloud.hub.configurations import Configurations
from services.lab.cloud.hub.errors import HubError, section
from services.lab.cloud.hub.events import EventStore, size_of
from services.lab.cloud.hub.feedback import Feedback
from services.lab.cloud.hub.identity import Identity
from services.lab.cloud.hub.mailbox import Mailbox
from services.lab.cloud.hub.quota import Quota, Throttle
from services.lab.cloud.hub.routing import Routing
from services.lab.faults import Faults

Json = dict[str, Any]
MethodHandler = Callable[[str, Any], Awaitable[tuple[int, Any]]]
DesiredCallback = Callable[[Json, int], None]
# The largest messages, properties counted.
CLOUD_TO_DEVICE_BYTES, DEVICE_TO_CLOUD_BYTES = 64 * 1024, 256 * 1024


class Hub:
    """One IoT Hub. ``host`` is what stands behind HostName=, ``event_hub`` the name of the events' entity."""

    def __init__(
        self, name: str, host: str, event_hub: str, clock: Clock, faults: Faults, tier: str = "S1", units: int = 10
    ) -> None:
        self.name = name
        self.host = host
        self.event_hub = event_hub
        self.clock = clock
        self.faults = faults
        self.events = EventStore(clock)
        self.routing = Routing(self.events, f"routed-{event_hub}", host.split(":")[0])
        self.quota = Quota(clock, tier, units)
        self.throttles = {
            "query": Throttle(clock, 20 * units, 60),
            "configuration": Throttle(clock, 20 * units, 60),
            "twin": Throttle(clock, 100 * units, 1),
            "identity": Throttle(clock, 100 * units, 60),
        }
        everything = sas.RIGHTS
        self.policies = {
            policy.name: policy
            for policy in (
                sas.Policy("iothubowner", everything),
                sas.Policy("service", ("ServiceConnect",)),
                sas.Policy("device", ("DeviceConnect",)),
                sas.Policy("registryRead", ("RegistryRead",)),
                sas.Policy("registryReadWrite", ("RegistryRead", "RegistryWrite")),
                sas.Policy("reader", ("RegistryRead", "ServiceConnect")),
            )
        }
        self.feedback = Feedback(clock, name)
        self.file_notifications = Mailbox(clock)  # stays empty: the lab takes no files from devices
        self.configurations = Configurations(self)
        self.consumer_groups = ["$Default", "console", "az", "dbe-console", "full"]
        # When an Azure AD token for the hub, or for Event Hubs, expires; 0 for one that is not good.
        self.bearer: Callable[[str], float] = lambda token: 0.0
        self.event_bearer: Callable[[str], float] = lambda token: 0.0
        self.notes: list[str] = []
        self._identities: dict[tuple[str, str], Identity] = {}
        self._desired: dict[tuple[str, str], list[DesiredCallback]] = {}
        self._methods: dict[tuple[str, str], MethodHandler] = {}
        self._barred: list[Callable[[str], None]] = []

    def log(self, text: str) -> None:
        """Write a line into the lab's own log."""
        self.notes.append(f"{self.clock.text()} {text}")
        del self.notes[:-500]

    # Identities

    def devices(self) -> list[Identity]:
        """Return every device, by name."""
        return [one for (_, module), one in sorted(self._identities.items()) if not module]

    def modules(self, device: str) -> list[Identity]:
        """Return a device's modules, by name; HubError 404001 without the device."""
        self.registered(device)
        return [one for (owner, module), one in sorted(self._identities.items()) if owner == device and module]

    def has(self, device: str, module: str = "") -> bool:
        """Return whether there is such an identity."""
        return (device, module) in self._identities

    def registered(self, device: str, module: str | None = None) -> Identity:
        """Return a device or module; HubError 404001 or 404010 when it is not registered. What the hub itself asks: no fault hides it."""
        if (device, "") not in self._identities:
            raise HubError(404001, f"Device {device} not registered")
        identity = self._identities.get((device, module or ""))
        if identity is None:
            raise HubError(404010, f"Module {module} on device {device} not registered")
        return identity

    def identity(self, device: str, module: str | None = None) -> Identity:
        """Return what ``registered`` does, for who asks from outside: a fault may say that it is gone."""
        if self.faults.active("device-missing", device) is not None:
            raise HubError(404001, f"Device {device} not registered")
        identity = self.registered(device, module)
        agent = self._identities.get((device, "$edgeAgent"))
        version = agent.twin.desired.version if agent else 0  # the next deployment makes it anew
        if module and self.faults.active("module-missing", device, module, sign=version) is not None:
            raise HubError(404010, f"Module {module} on device {device} not registered")
        return identity

    def add_device(self, device: str, *, edge: bool = False) -> Identity:
        """Register a device; an edge device gets $edgeAgent and $edgeHub. HubError 409001 when it is there."""
        if self.has(device):
            raise HubError(409001, f"Device {device} already registered")
        identity = self._identities[device, ""] = Identity(self.clock, device, edge=edge)
        generation = identity.generation
        identity.mailbox.on_end = lambda message, status: self.feedback.add(device, generation, message, status)
        if edge:
            for module in ("$edgeAgent", "$edgeHub"):
                self._identities[device, module] = Identity(self.clock, device, module, managed_by="IotEdge")
        return identity

    def ensure_module(self, device: str, module: str, managed_by: str = "IotEdge") -> Identity:
        """Return a module's identity, and register it where it was not (as the edge runtime does)."""
        self.registered(device)
        if not self.has(device, module):
            self._identities[device, module] = Identity(self.clock, device, module, managed_by=managed_by)
        return self._identities[device, module]

    def remove_module(self, device: str, module: str) -> None:
        """Delete a module's identity; HubError 404010 when there is none."""
        self.registered(device, module)
        del self._identities[device, module]
        self.bar(device)

    def remove_device(self, device: str) -> None:
        """Delete a device with its modules; HubError 404001 when there is none."""
        self.identity(device)
        for key in [key for key in self._identities if key[0] == device]:
            del self._identities[key]
        self.bar(device)

    def on_barred(self, callback: Callable[[str], None]) -> None:
        """Call ``callback(device)`` when the device or a module of it was disabled or deleted: its connections end."""
        self._barred.append(callback)

    def bar(self, device: str) -> None:
        """Tell who holds connections that the device, or a module of it, may not have one any more."""
        for callback in self._barred:
            callback(device)

    def admit(self, device: str, module: str | None = None) -> Identity:
        """Return an identity that may connect; HubError 404001, 404010, or 403012 when it or its device is disabled."""
        identity = self.identity(device, module)
        if not (identity.enabled and self.registered(device).enabled):
            raise HubError(403012, f"Device {device} is disabled.")
        return identity

    # Connection strings

    def connection_string(self, policy: str = "iothubowner") -> str:
        """Return the hub's connection string for a policy."""
        return f"HostName={self.host};SharedAccessKeyName={policy};SharedAccessKey={self.policies[policy].primary}"

    def event_hub_connection_string(self, policy: str = "service") -> str:
        """Return the Event Hub-compatible connection string, EntityPath included."""
        address = self.host.split(":")[0]
        key = self.policies[policy].primary
        return f"Endpoint=sb://{address}/;SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={self.event_hub}"

    def device_connection_string(self, device: str, module: str = "") -> str:
        """Return the connection string of a device or module."""
        identity = self.identity(device, module)
        text = f"HostName={self.host.split(':')[0]};DeviceId={device};"
        return text + (f"ModuleId={module};" if module else "") + f"SharedAccessKey={identity.primary}"

    # Who may do what

    def authorize(self, token: str, resource: str, right: str = "") -> sas.Grant:
        """Check a SAS token (or an Azure AD bearer token of this lab) for ``resource``.

        ``resource``: ``HOST[:PORT]/devices/D[/modules/M]``, ``HOST[:PORT]/…`` for the service, ``sb://HOST/ENTITY…``; scheme and
        port do not matter. ``right`` (ServiceConnect, RegistryRead, RegistryWrite, DeviceConnect) must be granted where given.
        Raises HubError 401003 (401002 for a missing right).
        """
        if any(self.faults.active(name) is not None for name in ("unauthorized", "ip-rule", "public-access-off")):
            raise HubError(401003)
        if token.startswith("Bearer "):
            expires = self.bearer(token.removeprefix("Bearer "))
            if not expires:
                raise HubError(401003, "The bearer token is not valid.")
            return sas.Grant(frozenset(sas.RIGHTS), expires=expires)
        parsed = sas.parse(token)
        grant = self._identify(parsed)
        if not sas.covers(parsed.resource, resource):
            raise HubError(401003, f"The SAS token is for another resource than {sas.path_of(resource)}.")
        if parsed.expires < self.clock.now() or self.faults.active("expire") is not None:
            raise HubError(401003, "The specified SAS token is expired.")
        if right and right not in grant.rights:
            raise HubError(401002, f"The policy '{grant.policy}' does not grant {right}.")
        return grant

    def _identify(self, token: sas.Token) -> sas.Grant:
        if token.key_name:
            policy = self.policies.get(token.key_name)
            if policy is None or not sas.matches(token, (policy.primary, policy.secondary)):
                raise HubError(401003, "The SAS token's signature does not match a key of the policy.")
            if self.faults.active("local-auth-off") is not None:
                raise HubError(401003, "Local authentication is off: policies' keys are not let in.")
            return sas.Grant(frozenset(policy.rights), policy=policy.name, expires=token.expires)
        parts = sas.path_of(token.resource).split("/")
        device = parts[2] if len(parts) > 2 and parts[1] == "devices" else ""
        module = parts[4] if len(parts) > 4 and parts[3] == "modules" else ""
        # A device's own key opens its modules too only through the edge hub, which this lab's listeners do not pretend to be.
        identity = self._identities.get((device, module))
        owner = self._identities.get((device, ""))
        if identity is None or owner is None or not (identity.enabled and owner.enabled) or not sas.matches(token, identity.keys):
            raise HubError(401003)
        return sas.Grant(frozenset({"DeviceConnect"}), device=device, module=module, expires=token.expires)

    # Twins

    def patch_reported(self, device: str, module: str | None, patch: Mapping[str, Any]) -> int:
        """Take a report of the device or module and return the new $version; HubError 403100 or 400004 when a limit is broken."""
        identity = self.identity(device, module)
        identity.twin.reported.patch(patch)
        identity.twin.touched(edited=False)
        identity.touch()
        return identity.twin.reported.version

    def patch_desired(
        self, device: str, module: str | None, body: Mapping[str, Any], if_match: str, *, replace: bool
    ) -> Identity:
        """Carry out the service's PATCH or PUT of a twin; ``if_match`` as it came in the header (quoted, bare or ``*``)."""
        identity = self.identity(device, module)
        if module in ("$edgeAgent", "$edgeHub") and section(body, "properties").get("desired") is not None:
            raise HubError(401100)
        tag = if_match.strip().removeprefix("W/").strip('"')
        if tag not in ("", "*", identity.twin.etag):
            raise HubError(412001, "Precondition failed: Device version did not match.")
        patch = identity.twin.edit(body, replace)
        if patch:
            self.desired_changed(device, module or "", patch)
        return identity

    def on_desired(self, device: str, module: str | None, callback: DesiredCallback) -> Callable[[], None]:
        """Call ``callback(patch, version)`` on every change of desired properties; returns how to stop that.

        The twin itself is ``identity(device, module).twin.desired.view()``.
        """
        callbacks = self._desired.setdefault((device, module or ""), [])
        callbacks.append(callback)

        def stop() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return stop

    def desired_changed(self, device: str, module: str, patch: Json) -> None:
        """Tell who listens to the twin."""
        version = self.registered(device, module).twin.desired.version
        for callback in list(self._desired.get((device, module), ())):
            callback(patch, version)

    # Methods, connection, messages to devices

    def register_method_handler(self, device: str, module: str | None, handler: MethodHandler | None) -> None:
        """Register ``await handler(name, payload)``, which gives (status, payload); None takes it away."""
        if handler is None:
            self._methods.pop((device, module or ""), None)
        else:
            self._methods[device, module or ""] = handler

    def set_connected(self, device: str, module: str | None, connected: bool) -> None:
        """Note that a device or module came or went; an identity deleted meanwhile is no matter."""
        identity = self._identities.get((device, module or ""))
        if identity is not None:
            identity.set_connected(connected and not self.offline(device))

    def offline(self, device: str) -> bool:
        """Return whether a fault keeps the device from the hub."""
        return any(self.faults.active(name, device) is not None for name in ("offline", "offline-closed"))

    def network_changed(self) -> None:
        """Connect whoever answers methods again, after a device went offline by a fault or may come back."""
        for device in self.devices():
            for identity in (device, *self.modules(device.device)):
                answers = (device.device, identity.module) in self._methods
                if self.offline(device.device):
                    self.set_connected(device.device, identity.module, False)
                elif answers:
                    self.set_connected(device.device, identity.module, True)

    async def invoke(
        self, device: str, module: str | None, name: str, payload: Any, response: float = 30, connect: float = 0
    ) -> tuple[int, Any]:
        """Call a direct method; HubError 404001, 404010, 404103 (not there within ``connect`` s) or 504101, nested."""
        try:
            self.admit(device, module)
        except HubError as error:
            raise HubError(error.code, error.message, nested=True) from error
        if self.faults.active("offline-closed", device) is not None:
            raise HubError(404102, nested=True)
        deadline = self.clock.now() + connect
        while self.faults.active("offline", device) is not None or (device, module or "") not in self._methods:
            if self.clock.now() >= deadline:
                raise HubError(404103, nested=True)
            await asyncio.sleep(0.1)
        try:
            if self.faults.active("method-timeout", device, module) is not None:
                await asyncio.sleep(response)
                raise asyncio.TimeoutError
            return await asyncio.wait_for(self._methods[device, module or ""](name, payload), response)
        except asyncio.TimeoutError as error:
            raise HubError(504101, "Timed out waiting for the response from device.", nested=True) from error

    def send_to_device(
        self,
        device: str,
        body: bytes,
        properties: Mapping[str, Any],
        system: Mapping[str, Any],
        expires: float | None = None,
    ) -> None:
        """Queue a cloud-to-device message, which waits until the device takes it or it expires (seconds since the epoch).

        HubError 404001, 413001 or 403004 (50 wait already).
        """
        mailbox, size = self.identity(device).mailbox, size_of(body, properties, system)
        if size > CLOUD_TO_DEVICE_BYTES:
            raise HubError(413001, f"The message is larger than {CLOUD_TO_DEVICE_BYTES} bytes.")
        self.quota.spend(size)
        mailbox.put(body, properties, system, expires)

    def device_message(
        self, device: str, module: str | None, body: bytes, properties: Mapping[str, Any], system: Mapping[str, Any]
    ) -> tuple[int, int]:
        """Check, meter and store a message of a device or module to the cloud; return (partition, sequence number)."""
        self.admit(device, module)
        if (size := size_of(body, properties, system)) > DEVICE_TO_CLOUD_BYTES:
            raise HubError(413001, f"The message is larger than {DEVICE_TO_CLOUD_BYTES} bytes.")
        if self.faults.active("quota") is not None:
            raise self.quota.exceeded(self.name)
        self.quota.spend(size)
        return self.routing.deliver(device, module, body, properties, system)
