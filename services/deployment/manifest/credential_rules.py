"""Registry credentials of a manifest, checked as the edge agent looks them up (docs/facts/create-options.md).

The agent compares the first part of an image's name with the address as it stands, letter case aside, and takes an image without a
registry for one of Docker Hub, ``https://index.docker.io/v1/`` (Azure/iotedge, Edge.Agent.Docker/DockerUtil.cs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.deployment.manifest.content import agent_of, credentials_of, modules_of
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.manifest.registry_address import DOCKER_HUB, agent_address
from services.deployment.options.placeholders import PLACEHOLDER
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.text import one_line


def credential_problems(content: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    """Yield the problems of every entry of ``registryCredentials``."""
    agent = agent_of(content)
    credentials = credentials_of(content)
    modules = {**mapping(agent.get("systemModules")), **modules_of(content)}
    images = [str(settings_of(mapping(module)).get("image")) for module in modules.values()]
    for name, entry in credentials.items():
        place = f"registry credentials {one_line(name, 80)}"
        yield from _missing(place, mapping(entry))
        address = mapping(entry).get("address")
        if isinstance(address, str) and address and not PLACEHOLDER.search(address):
            yield from _address_problems(f"{place}: address", address, images)


def _missing(place: str, entry: Mapping[str, Any]) -> Iterator[ManifestProblem]:
    for key in ("address", "username", "password"):
        value, here = entry.get(key), f"{place}: {key}"
        if not isinstance(value, str) or not value.strip():
            message = "is missing; the agent refuses the whole deployment (400)"
            yield ManifestProblem(here, "error", message, "The device could not pull images of this registry.")
        elif PLACEHOLDER.search(value) and key != "password":
            message = f"{one_line(value, 60)} was never filled in"
            yield ManifestProblem(here, "error", message, "Put the value in its place.")
        elif key == "password" and PLACEHOLDER.fullmatch(value):
            yield ManifestProblem(here, "error", "a placeholder was never filled in", "Put the password in its place.")


def _address_problems(place: str, address: str, images: Iterable[str]) -> Iterator[ManifestProblem]:
    """Yield what keeps an address from ever matching the registry of an image."""
    host = agent_address(address)
    if host.lower() != address.lower():
        # Docker Hub gives its public images without a password; a registry that no image is of harms none.
        used = host != DOCKER_HUB and any(agent_address(image).lower() == host.lower() for image in images)
        what = "is not how the agent knows Docker Hub" if host == DOCKER_HUB else "is more than the registry's name"
        message = f"{one_line(address, 80)!r} {what}: it finds no image of it, and pulls without a password"
        remedy = f"Write {one_line(host, 80) or 'NAME.azurecr.io'}"
        yield ManifestProblem(place, "error" if used else "warning", message, remedy)
        return
    if host == DOCKER_HUB:
        return
    name = host.partition(":")[0].lower()
    registries = {image.partition("/")[0] for image in images if "/" in image}
    same = [one for one in registries if one.lower().partition(":")[0] == name]
    if same and host.lower() not in map(str.lower, same):
        message = f"{one_line(address, 80)!r} is not how the images name it; the agent compares the port, too"
        yield ManifestProblem(place, "error", message, f"Write {one_line(sorted(same)[0], 80)}")
