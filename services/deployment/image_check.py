"""Check a plan's images at their registries before anything is sent: credentials valid, image there, architecture right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.contexts.model import Context
from services.deployment.manifest.content import agent_of, modules_of
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.manifest.registry_address import DOCKER_HUB
from services.deployment.plan import Plan
from services.errors import OperatorError
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.records import RegistryCredentials, Secret

# What the agent calls a machine, in the registries' words.
_MACHINES = {"x86_64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv7l": "arm", "arm32v7": "arm"}


def with_images_checked(context: Context, plan: Plan) -> Plan:
    """Return ``plan`` with what is wrong with the images that it brings.

    A registry that cannot be reached from here is a warning only.
    """
    platform = registry_platform(plan.state.platform)
    credentials = credentials_of(agent_of(plan.after))
    problems = [
        problem
        for name, image in _new_images(plan).items()
        if (problem := _problem(context, name, image, credentials, platform)) is not None
    ]
    return replace(plan, problems=(*plan.problems, *problems)) if problems else plan


def _new_images(plan: Plan) -> dict[str, str]:
    """Return the images of modules that are new, have another image, or would be pulled with other credentials."""
    before, after = modules_of(plan.before), modules_of(plan.after)
    same_sign_in = _passwords(plan.before) == _passwords(plan.after)
    images = {name: settings_of(mapping(module)).get("image") for name, module in after.items()}
    old = {name: settings_of(mapping(module)).get("image") for name, module in before.items()}
    changed = {name for name in after if before.get(name) != after[name]}
    return {
        name: image
        for name, image in images.items()
        if isinstance(image, str) and image and name in changed and (old.get(name) != image or not same_sign_in)
    }


def registry_platform(platform: str) -> str:
    """Return the agent's os/architecture (linux/x86_64) in the registries' words (linux/amd64)."""
    system, slash, machine = platform.partition("/")
    return f"{system}{slash}{_MACHINES.get(machine.lower(), machine.lower())}"


def registry_ca(context: Context) -> str:
    """Return the CA file that the context trusts for registries."""
    return context.workspace.ca_file if context.workspace else context.cloud.ca_file


def credentials_of(agent: Mapping[str, Any]) -> dict[str, RegistryCredentials]:
    """Return the registry credentials in $edgeAgent's desired properties, by the server that the agent finds them for.

    It compares the address as it stands, letter case aside, so that one with https:// is no server's
    (docs/facts/create-options.md).
    """
    credentials = {}
    for entry in map(mapping, _entries(agent).values()):
        address, username, password = (entry.get(key) for key in ("address", "username", "password"))
        if isinstance(address, str) and isinstance(username, str) and isinstance(password, str):
            server = "docker.io" if address.lower() == DOCKER_HUB else address
            credentials[server.lower()] = RegistryCredentials(server, username, Secret(password))
    return credentials


def _entries(agent: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(mapping(agent.get("runtime")).get("settings")).get("registryCredentials"))


def _passwords(content: Mapping[str, Any]) -> list[Any]:
    entries = _entries(agent_of(content)).values()
    return [(mapping(entry).get("address"), mapping(entry).get("password")) for entry in entries]


def _problem(
    context: Context, name: str, image: str, credentials: Mapping[str, RegistryCredentials], platform: str
) -> ManifestProblem | None:
    from services.registry.api import check_image
    from services.registry.reference import parse_reference

    if image.startswith("$upstream:"):
        message = "the parent device serves it, which cannot be asked from here, so that the image is unchecked"
        return ManifestProblem(f"{name}.image", "warning", message, "See that the parent's registry module has it.")
    try:
        reference = parse_reference(image)
        check_image(reference, credentials.get(reference.server.lower()), platform, registry_ca(context), context=context)
    except OperatorError as error:
        unreachable = error.code.startswith("network.") or error.code == "registry.registry-silent"
        message = f"{error.what} {error.cause}".strip().rstrip(".")
        if unreachable:
            message = f"the registry cannot be asked from here, so that the image is unchecked: {message}"
        return ManifestProblem(f"{name}.image", "warning" if unreachable else "error", message, error.remedy)
    return None
