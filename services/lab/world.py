"""The lab's world: everything that its listeners show. One event loop, one thread."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.lab.clock import Clock
from services.lab.cloud.hub import Hub
from services.lab.cloud.registry import Registry
from services.lab.cloud.workspace import Workspace
from services.lab.faults import Faults
from services.lab.seed_data import DEVICES, change_meanwhile, overwrite, seed


class World:
    """A run of the lab: ``nonce`` is in every entity's name, ``address`` the loopback address that it claimed.

    ``host`` is what clients name the hub by: the address, with the port where HTTPS is not on 443. ``folder`` is the run's
    own, with ``ca_file`` in it.
    """

    def __init__(self, address: str, host: str, folder: Path, nonce: str = "") -> None:
        self.nonce = nonce or secrets.token_hex(4)
        self.address = address
        self.host = host
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self.clock = Clock()
        self.created = self.clock.text()
        self.faults = Faults()
        self.hub = Hub(f"lab-hub-{self.nonce}", host, f"iothub-ehub-lab-{self.nonce}", self.clock, self.faults)
        self.hubs = {self.hub.name: self.hub}
        self.tenant, self.client_id, self.subscription = (str(uuid.uuid4()) for _ in range(3))
        self.client_secret = secrets.token_urlsafe(24)
        self.client_certificate: bytes | None = None  # PEM; with it assertions of the client's are taken
        self.resource_group = f"lab-{self.nonce}"
        self.registry = Registry(f"labregistry{self.nonce}", host, self.faults)
        self.workspace = Workspace(f"lab-workspace-{self.nonce}", self.clock, self.faults, self.registry, self._hub_by_id)
        self.workspace.base_url = f"https://{host}"
        self.control_key = secrets.token_urlsafe(24)
        self.refresh_token = secrets.token_urlsafe(32)
        self.device_codes: dict[str, dict[str, Any]] = {}
        self.mapped_ports: Callable[[], dict[str, dict[int, int]]] = dict
        self._secrets: list[str] = []
        seed(self)
        self.faults.watch(lambda fault, on: self._fault(fault.as_dict(), on))

    def _fault(self, fault: dict[str, Any], on: bool) -> None:
        if fault["name"] == "skew":
            self.clock.skew = float(fault["seconds"]) if on else 0.0
        if fault["name"] == "retention" and on:
            self.hub.events.trim(int(fault["keep"]))
        if fault["name"] in ("offline", "offline-closed"):
            self.hub.network_changed()
        if fault["name"] == "at-scale":
            overwrite(self, fault["device"] or DEVICES[0], on)
        if fault["name"] == "changed-meanwhile" and on:
            change_meanwhile(self, fault["device"] or DEVICES[0])

    def resource_id(self, provider: str, name: str) -> str:
        """Return an ARM id in the lab's resource group: provider ``Microsoft.Devices/IotHubs`` and so on."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}/providers/{provider}/{name}"

    @property
    def hub_id(self) -> str:
        """The hub's ARM id."""
        return self.resource_id("Microsoft.Devices/IotHubs", self.hub.name)

    @property
    def registry_id(self) -> str:
        """The registry's ARM id."""
        return self.resource_id("Microsoft.ContainerRegistry/registries", self.registry.name)

    @property
    def workspace_id(self) -> str:
        """The workspace's ARM id."""
        return self.resource_id("Microsoft.MachineLearningServices/workspaces", self.workspace.name)

    def _hub_by_id(self, resource_id: str) -> Hub | None:
        return self.hub if resource_id.lower() == self.hub_id.lower() else None

    @property
    def secrets(self) -> list[str]:
        """Every secret that the world knows now: keys, passwords, secret environment values."""
        keys = [key for policy in self.hub.policies.values() for key in (policy.primary, policy.secondary)]
        for device in self.hub.devices():
            for identity in (device, *self.hub.modules(device.device)):
                keys += [identity.primary, identity.secondary]
        return [
            *keys,
            *self.registry.passwords,
            *self.registry.replaced,
            self.client_secret,
            self.refresh_token,
            self.control_key,
            *self._secrets,
        ]

    def know_secret(self, value: str) -> str:
        """Note a secret, so that tests can search for leaks; returns it."""
        self._secrets.append(value)
        return value
