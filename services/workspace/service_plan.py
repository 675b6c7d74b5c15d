"""What an IotWebservice is to be: the host module from the workspace's image, further modules, registries, routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.records import RegistryCredentials


@dataclass(frozen=True, slots=True)
class ServiceModule:
    """A module of the service; ``image`` is empty for the host, which comes from the workspace's image."""

    name: str
    create_options: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    properties: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One deployment by Azure ML's route: ``compute`` names the attached hub, ``image_id`` the image (name:version)."""

    name: str
    image_id: str
    compute: str
    device: str
    host: ServiceModule
    modules: tuple[ServiceModule, ...] = ()
    registries: tuple[RegistryCredentials, ...] = ()
    routes: Mapping[str, str] = field(default_factory=lambda: {"route": "FROM /messages/* INTO $upstream"})
    tags: Mapping[str, str] = field(default_factory=dict)

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of ``Sdk.deploy``; passwords are in them."""
        return {
            "name": self.name,
            "image_id": self.image_id,
            "compute": self.compute,
            "device": self.device,
            "host": _settings(self.host),
            "modules": [{**_settings(module), "image_location": module.image} for module in self.modules],
            "registries": [
                {"address": item.server, "username": item.username, "password": item.password.reveal()}
                for item in self.registries
            ],
            "routes": dict(self.routes),
            "tags": dict(self.tags),
        }


def _settings(module: ServiceModule) -> dict[str, Any]:
    return {
        "name": module.name,
        "env": dict(module.env) or None,
        "create_option": module.create_options or None,
        "properties_desired": dict(module.properties) or None,
    }
