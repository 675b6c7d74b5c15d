"""Deployments as the lab itself writes them: for its world's devices, and for Azure ML's IotWebservice."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.lab.cloud.hub import Hub

Json = dict[str, Any]

_CHUNK = 512


def options(text: str) -> Json:
    """Return the create options in the agent's chunks of 512 characters: createOptions, createOptions01 and so on."""
    parts = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)] or ["{}"]
    return {"createOptions" + (f"{number:02}" if number else ""): part for number, part in enumerate(parts)}


def module(image: str, create_options: str = "{}", env: Mapping[str, str] | None = None, **more: Any) -> Json:
    """Return a module's entry in $edgeAgent."""
    return {
        "version": "1.0",
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": image, **options(create_options)},
        **({"env": {name: {"value": value} for name, value in env.items()}} if env else {}),
        **more,
    }


def content(
    modules: Mapping[str, Json],
    credentials: Mapping[str, Json] | None = None,
    routes: Mapping[str, str] | None = None,
    version: str = "1.1",
) -> Json:
    """Return a whole ``{"modulesContent": …}`` with the edge runtime's own modules."""
    agent = {
        "schemaVersion": "1.1",
        "runtime": {
            "type": "docker",
            "settings": {"minDockerVersion": "v1.25", "loggingOptions": "", "registryCredentials": dict(credentials or {})},
        },
        "systemModules": {
            "edgeAgent": {
                "type": "docker",
                "settings": {"image": f"mcr.microsoft.com/azureiotedge-agent:{version}", "createOptions": "{}"},
            },
            "edgeHub": {
                "type": "docker",
                "status": "running",
                "restartPolicy": "always",
                "settings": {
                    "image": f"mcr.microsoft.com/azureiotedge-hub:{version}",
                    **options(
                        '{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}],'
                        '"5671/tcp":[{"HostPort":"5671"}],"8883/tcp":[{"HostPort":"8883"}]}}}'
                    ),
                },
            },
        },
        "modules": dict(modules),
    }
    hub = {
        "schemaVersion": "1.1",
        "routes": dict(routes if routes is not None else {"upstream": "FROM /messages/* INTO $upstream"}),
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
    }
    return {"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}}


def current(hub: Hub, device: str) -> Json:
    """Return what the device has been told, as content that could be applied again."""
    if not hub.identity(device, "$edgeAgent").twin.desired.content:
        return content({})
    modules = {
        one.module: {"properties.desired": copy.deepcopy(one.twin.desired.content)}
        for one in hub.modules(device)
        if one.module in ("$edgeAgent", "$edgeHub") or one.twin.desired.content
    }
    return {"modulesContent": modules}


def with_service(hub: Hub, device: str, modules: Iterable[Json], routes: Mapping[str, str], credentials: Iterable[Json]) -> Json:
    """Return the device's content with an IotWebservice's modules (moduleName, imageLocation, createOptions…) merged in."""
    whole = current(hub, device)["modulesContent"]
    agent, edge_hub = whole["$edgeAgent"]["properties.desired"], whole["$edgeHub"]["properties.desired"]
    for one in modules:
        name = one["moduleName"]
        agent.setdefault("modules", {})[name] = module(
            one.get("imageLocation") or "", one.get("createOptions") or "{}", one.get("environmentVariables") or {}
        )
        if one.get("propertiesDesired"):
            whole[name] = {"properties.desired": one["propertiesDesired"]}
    credentials_by_name = agent["runtime"]["settings"].setdefault("registryCredentials", {})
    for one in credentials:
        credentials_by_name[
            one["location"].split(".")[0].replace(":", "-") if not one["location"][0].isdigit() else "workspace"
        ] = {
            "username": one["user"],
            "password": one["password"],
            "address": one["location"],
        }
    edge_hub.setdefault("routes", {}).update(routes)
    return {"modulesContent": whole}


def without_modules(hub: Hub, device: str, names: Iterable[str]) -> Json:
    """Return the device's content without those modules."""
    whole = current(hub, device)["modulesContent"]
    for name in names:
        whole["$edgeAgent"]["properties.desired"].get("modules", {}).pop(name, None)
        whole.pop(name, None)
    return {"modulesContent": whole}
