"""One run of the lab: address, authority, world, listeners, edge agents; and what others need to know of it (LabInfo)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from services.lab.address import Claim
from services.lab.authority import Authority
from services.lab.background_tasks import in_background
from services.lab.device.agent import EdgeAgent
from services.lab.device.network import MAPPED_UP
from services.lab.seed_data import DEVICES, OFFLINE
from services.lab.wire.amqp import start_amqp
from services.lab.wire.https.server import HttpsServer
from services.lab.wire.mqtt import start_mqtt
from services.lab.wire.websocket import routes
from services.lab.world import World

Json = dict[str, Any]
_LOG = logging.getLogger(__name__)


@dataclass
class Lab:
    """A lab in ``folder``; ``await start()`` brings it up, ``await close()`` ends it and all that it started.

    One with the ``address`` and ``nonce`` of an earlier lab is that one's hub made again: the same names, other keys.
    """

    folder: Path
    address: str = ""
    nonce: str = ""

    async def start(self) -> None:
        """Claim an address and listen. Raises AddressError or OSError when that cannot be."""
        self.folder = self.folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._claim = Claim(self.address)
        address = self._claim.address
        host = address if self._claim.port == 443 else f"{address}:{self._claim.port}"
        self.world = World(address, host, self.folder, self.nonce)
        devices = [self._claim.device(1 + number) for number in range(len(DEVICES))]
        self.device_addresses = dict(zip(DEVICES, devices, strict=True))
        authority = Authority(self.folder, self.world.nonce)
        context = authority.server_context("hub", [address, *devices], ["localhost"])
        self._listeners: list[Any] = []
        self._agents: list[EdgeAgent] = []
        amqp = await start_amqp(self.world, context, address)
        self._listeners.append(amqp)
        mqtt = await start_mqtt(self.world, context, address)
        self._listeners.append(mqtt)
        https = HttpsServer(self.world, routes(amqp, mqtt))
        await https.start(self._claim.https, context)
        self._listeners.append(https)
        for device, own in self.device_addresses.items():
            if device != OFFLINE:
                agent = EdgeAgent(self.world, device, own, self.folder / "devices" / device)
                listener = await start_mqtt(self.world, context, own, gateway=agent.edge_hub)
                agent.edge_hub.on_end = listener.cut
                self._listeners.append(listener)
                self._agents.append(agent)
        self.world.mapped_ports = lambda: {agent.device: agent.mapped_ports for agent in self._agents}
        await asyncio.gather(*(agent.start() for agent in self._agents))
        self._keeper = in_background(self._keep())
        self._write()

    async def _keep(self) -> None:
        """Keep deployments at scale in force over whatever was applied meanwhile, within moments."""
        while True:
            await asyncio.sleep(1)
            try:
                self.world.hub.configurations.reconcile()
            except Exception:  # noqa: BLE001 - it has to go on, whatever it met
                _LOG.exception("deployments at scale are looked at again in a moment")

    async def close(self) -> None:
        """End agents with their modules first, then the listeners."""
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        await asyncio.gather(*(agent.stop() for agent in self._agents))
        for listener in reversed(self._listeners):
            await listener.close()

    def info(self) -> Json:
        """Return LabInfo: how to reach everything, secrets included."""
        world, hub = self.world, self.world.hub
        base = f"https://{world.host}"
        return {
            "nonce": world.nonce,
            "address": world.address,
            "https": base,
            "host": world.host,
            "ca_file": str(world.ca_file),
            "folder": str(self.folder),
            "pid": os.getpid(),
            "hub_name": hub.name,
            "hub_connection_string": hub.connection_string(),
            "service_connection_string": hub.connection_string("service"),
            "readonly_connection_string": hub.connection_string("reader"),
            "event_hub_connection_string": hub.event_hub_connection_string(),
            "event_hub_entity": hub.event_hub,
            "routed_event_hub": hub.routing.event_hub,
            "subscription": world.subscription,
            "resource_group": world.resource_group,
            "workspace": world.workspace.name,
            "registry": world.registry.name,
            "registry_server": world.registry.server,
            "client_image": "sample-client:1.0",
            "registry_username": world.registry.username,
            "registry_password": world.registry.passwords[0],
            "hub_resource_id": world.hub_id,
            "tenant": world.tenant,
            "client_id": world.client_id,
            "client_secret": world.client_secret,
            "devices": {
                device: {"address": address, "connection_string": hub.device_connection_string(device)}
                for device, address in self.device_addresses.items()
            },
            # How much higher than its number a device's port below 1024 is bound; 0 where this user may bind those.
            "low_ports_up": 0 if self._claim.port == 443 else MAPPED_UP,
            "control": f"{base}/lab",
            "control_key": world.control_key,
            "config_home": str(self.folder / "home"),
        }

    def _write(self) -> None:
        """Write lab.json, and a home with the context ``lab``: what a console needs, each secret in a file of its own."""
        info = self.info()
        _private(self.folder / "lab.json", json.dumps(info, indent=1))
        config = self.folder / "home" / "config"
        secrets = config / "secrets"
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        _private(secrets / "lab-hub", info["hub_connection_string"])
        _private(secrets / "lab-principal", info["client_secret"])
        ca_file, device = info["ca_file"], DEVICES[0]
        context = {
            "device": device,
            "device_address": self.device_addresses[device],
            **({"device_ports": {str(port): port + up for port in (80, 443)}} if (up := info["low_ports_up"]) else {}),
            "lab": True,
            "hub": {
                "host": info["host"],
                "connection": f"file:{secrets / 'lab-hub'}",
                "resource_id": info["hub_resource_id"],
                "ca_file": ca_file,
            },
            "workspace": {
                "subscription": info["subscription"],
                "resource_group": info["resource_group"],
                "name": info["workspace"],
                "registry": info["registry"],
                "ca_file": ca_file,
            },
            "cloud": {"resource_manager": info["https"], "authority": info["https"], "ca_file": ca_file},
            "sign_in": {
                "method": "service-principal",
                "tenant": info["tenant"],
                "client_id": info["client_id"],
                "secret": f"file:{secrets / 'lab-principal'}",
            },
            "events": {"consumer_group": "console", "ca_file": ca_file},
        }
        _private(config / "contexts.toml", tomli_w.dumps({"current": "lab", "contexts": {"lab": context}}))
        link = self.folder / "contexts.toml"
        link.unlink(missing_ok=True)
        link.symlink_to(config / "contexts.toml")


def _private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
