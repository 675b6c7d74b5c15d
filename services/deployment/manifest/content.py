"""The manifest of a device: taken from what the device has, changed by merging, never by replacing unless asked.

A manifest is ``{"modulesContent": {"$edgeAgent": {"properties.desired": …}, "$edgeHub": {"properties.desired": …}, MODULE: …}}``. A
module whose own twin is not in it keeps its desired properties; a module that is absent from $edgeAgent's ``modules`` is removed from
the device.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from services.chunks import ChunkGap, chunk, is_chunk, join
from services.deployment.manifest.changes import (
    Change,
    MergeContent,
    RemoveModule,
    RemoveRoute,
    ReplaceContent,
    SendUpstream,
    SetModule,
    SetRegistry,
    SetRoute,
)
from services.deployment.manifest.message_routes.check import carries_upstream
from services.deployment.manifest.registry_address import agent_address
from services.deployment.manifest.schema_versions import NEW_SCHEMA, is_schema_1_0, schema_version
from services.diagnosis.lifecycle import supported_runtime
from services.errors import OperatorError
from services.hub.client import AGENT, EDGE_HUB
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.names import did_you_mean
from services.records import DeviceState, RegistryCredentials
from services.text import one_line
from services.times import now

DESIRED = "properties.desired"
SYSTEM = ("edgeAgent", "edgeHub")
_RUNTIME_PORTS = {"HostConfig": {"PortBindings": {f"{port}/tcp": [{"HostPort": str(port)}] for port in (5671, 8883, 443)}}}


def content_of(
    state: DeviceState, edge_hub: Mapping[str, Any] | None = None, twins: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the manifest of what the device is asked to have now.

    ``edge_hub`` are the desired properties of $edgeHub's twin (routes), ``twins`` those of other modules' twins. A device that
    never had a deployment gets the runtime's own two modules: at the version that its agent reports, which is never changed
    unasked, else at a supported one.
    """
    agent = _desired(state.desired) if mapping(state.desired.get("systemModules")) else _first_deployment(state)
    hub = _desired(edge_hub or {}) or {
        "schemaVersion": NEW_SCHEMA,
        "routes": {},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
    }
    content = {AGENT: {DESIRED: agent}, EDGE_HUB: {DESIRED: hub}}
    content.update({name: {DESIRED: _desired(desired)} for name, desired in (twins or {}).items()})
    return {"modulesContent": content}


def _desired(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the desired properties without the hub's own $version and $metadata."""
    return {key: copy.deepcopy(value) for key, value in properties.items() if not key.startswith("$")}


def _first_deployment(state: DeviceState) -> dict[str, Any]:
    version = ".".join(state.agent_version.split(".")[:2])
    version = version if re.fullmatch(r"1\.\d+", version) else supported_runtime(now().date())
    agent = {"type": "docker", "settings": {"image": f"mcr.microsoft.com/azureiotedge-agent:{version}", "createOptions": ""}}
    hub = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": f"mcr.microsoft.com/azureiotedge-hub:{version}", **chunk(minified(_RUNTIME_PORTS))},
    }
    return {
        "schemaVersion": NEW_SCHEMA,
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "loggingOptions": "", "registryCredentials": {}}},
        "systemModules": {"edgeAgent": agent, "edgeHub": hub},
        "modules": {},
    }


def minified(value: Any) -> str:
    """Return JSON without a space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def agent_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return $edgeAgent's desired properties in a manifest."""
    return mapping(mapping(mapping(content.get("modulesContent")).get(AGENT)).get(DESIRED))


def credentials_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the registries' credentials in a manifest, by the names that they have there."""
    return mapping(mapping(mapping(agent_of(content).get("runtime")).get("settings")).get("registryCredentials"))


def edge_hub_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return $edgeHub's desired properties in a manifest."""
    return mapping(mapping(mapping(content.get("modulesContent")).get(EDGE_HUB)).get(DESIRED))


def modules_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the operator's modules in a manifest, by name."""
    return mapping(agent_of(content).get("modules"))


def merge(content: Mapping[str, Any], *changes: Change) -> dict[str, Any]:
    """Return ``content`` with the changes made and nothing else touched. Raises OperatorError for a change that cannot be made."""
    merged = copy.deepcopy(dict(content))
    for change in changes:
        if isinstance(change, SetModule):
            _set_module(merged, change)
        elif isinstance(change, RemoveModule):
            _remove_module(merged, change.name)
        elif isinstance(change, SetRegistry):
            _set_registry(merged, change.credentials)
        elif isinstance(change, SetRoute):
            _section(merged, EDGE_HUB, "routes")[change.name] = change.route
        elif isinstance(change, SendUpstream):
            if not forwards_upstream(merged, change.module):
                route = f"FROM /messages/modules/{change.module}/* INTO $upstream"
                _section(merged, EDGE_HUB, "routes")[f"{change.module}-upstream"] = route
        elif isinstance(change, RemoveRoute):
            _section(merged, EDGE_HUB, "routes").pop(change.name, None)
        elif isinstance(change, MergeContent):
            _merge_content(merged, change.content)
        elif isinstance(change, ReplaceContent):
            merged = copy.deepcopy(dict(change.content))
            for section in ("modules", "systemModules"):
                present = mapping(agent_of(content).get(section))
                for name, module in mapping(agent_of(merged).get(section)).items():
                    if module != present.get(name):  # what the device has stays as it is, to the letter
                        _section(merged, AGENT, section)[name] = packed(module)
    return merged


def _section(content: dict[str, Any], module: str, *path: str) -> dict[str, Any]:
    """Return the object at a path of a module's desired properties, made where it is missing."""
    place = content
    for key in ("modulesContent", module, DESIRED, *path):
        inner = place.get(key)
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    return place


def _set_module(content: dict[str, Any], change: SetModule) -> None:
    system = change.name in SYSTEM
    modules = _section(content, AGENT, "systemModules" if system else "modules")
    current = modules.get(change.name)
    if not isinstance(current, dict):
        if not change.image:
            raise _unknown(change.name, modules)
        current = {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {**chunk("")}}
    if system and change.status == "stopped":
        raise _of_the_runtime(change.name, "stopped")
    if system and change.image is not None and _program(change.image) != _program(str(settings_of(current).get("image"))):
        raise _of_the_runtime(change.name, f"made of {one_line(change.image, 120)}")
    module = {**current, "settings": dict(settings_of(current))}
    if change.image is not None:
        module["settings"]["image"] = change.image
    if change.create_options is not None:
        other_settings = {key: value for key, value in module["settings"].items() if not is_chunk(key)}
        module["settings"] = {**other_settings, **chunk(compact(change.create_options))}
    values = {
        "status": change.status,
        "restartPolicy": change.restart_policy,
        "imagePullPolicy": change.pull_policy,
        "startupOrder": change.startup_order,
        "version": change.version,
    }
    module.update({key: value for key, value in values.items() if value is not None})
    if change.env:
        env = dict(mapping(module.get("env")))
        for name, value in change.env.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = {"value": value}
        module["env"] = env
    modules[change.name] = module
    if change.desired is not None:
        content["modulesContent"][change.name] = {DESIRED: copy.deepcopy(dict(change.desired))}
    if change.startup_order is not None and is_schema_1_0(agent_of(content).get("schemaVersion")):
        _section(content, AGENT)["schemaVersion"] = "1.1"


def _program(image: str) -> str:
    """Return the last name of an image's repository: what it is, whichever registry mirrors it and whatever its tag."""
    return re.split("[:@]", image.rpartition("/")[2])[0]


def compact(options: str) -> str:
    """Create options without white space; text that is no JSON, or has a key twice, stays as it is (the check says so before anything is sent)."""
    if not options.strip():
        return ""
    try:
        return minified(json.loads(options, object_pairs_hook=_once))
    except (ValueError, RecursionError):
        return options


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key is written twice")
    return members


def packed(module: Any) -> Any:
    """Return a module of a file as the hub wants it.

    Create options given as an object (as az takes them), in a text that is too long or full of white space are minified and in
    chunks. What cannot be joined stays as it is, for the check to name.
    """
    settings = mapping(module).get("settings")
    try:
        options = join(mapping(settings))
    except ChunkGap:
        return copy.deepcopy(module)
    if not isinstance(settings, dict) or not any(map(is_chunk, settings)):
        return copy.deepcopy(module)
    other_settings = {key: copy.deepcopy(value) for key, value in settings.items() if not is_chunk(key)}
    return {**copy.deepcopy(module), "settings": {**other_settings, **chunk(compact(options))}}


def _remove_module(content: dict[str, Any], name: str) -> None:
    if name in SYSTEM:
        raise _of_the_runtime(name, "removed")
    modules = _section(content, AGENT, "modules")
    if name not in modules:
        raise _unknown(name, modules)
    del modules[name]
    content["modulesContent"].pop(name, None)


def _unknown(name: str, modules: Mapping[str, Any]) -> OperatorError:
    return OperatorError(
        f"The deployment has no module {name}.",
        cause=f"It has {', '.join(sorted(modules)) or 'no module beside the runtime'}.",
        remedy=f"{did_you_mean(name, modules)}Check the name, or give an image to add it.",
        code="deployment.no-module",
    )


def _of_the_runtime(name: str, done: str) -> OperatorError:
    return OperatorError(
        f"{name} cannot be {done}.",
        cause="It is part of the IoT Edge runtime: without it nothing on the device can be managed.",
        remedy="Name a module of your own.",
        code="deployment.system-module",
    )


def _set_registry(content: dict[str, Any], credentials: RegistryCredentials) -> None:
    entries = _section(content, AGENT, "runtime", "settings", "registryCredentials")
    address = agent_address(credentials.server)
    same = (key for key, entry in entries.items() if agent_address(str(mapping(entry).get("address"))).lower() == address.lower())
    name = next(same, "")
    if not name:
        # A twin's key has no dot, dollar or space.
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", address.lower().rpartition("//")[2].split(".")[0].split(":")[0]) or "registry"
        name, number = stem, 2
        while name in entries:
            name, number = f"{stem}{number}", number + 1
    current = mapping(entries.get(name))
    entries[name] = {
        **current,
        "address": address,
        "username": credentials.username,
        "password": credentials.password.reveal(),
    }


def _merge_content(content: dict[str, Any], other: Mapping[str, Any]) -> None:
    agent = agent_of(other)
    for name, module in mapping(agent.get("modules")).items():
        _section(content, AGENT, "modules")[name] = packed(module)
    for name, entry in credentials_of(other).items():
        _section(content, AGENT, "runtime", "settings", "registryCredentials")[name] = copy.deepcopy(entry)
    for name, route in mapping(edge_hub_of(other).get("routes")).items():
        _section(content, EDGE_HUB, "routes")[name] = copy.deepcopy(route)
        if isinstance(route, dict) and is_schema_1_0(edge_hub_of(content).get("schemaVersion")):
            _section(content, EDGE_HUB)["schemaVersion"] = "1.1"  # before it a route is a text
    for name, twin in mapping(other.get("modulesContent")).items():
        if name not in (AGENT, EDGE_HUB):
            content["modulesContent"][name] = copy.deepcopy(twin)
    if schema_version(agent.get("schemaVersion"))[:2] == (1, 1) and is_schema_1_0(agent_of(content).get("schemaVersion")):
        _section(content, AGENT)["schemaVersion"] = "1.1"


def forwards_upstream(content: Mapping[str, Any], module: str) -> bool:
    """Return whether some route already carries what ``module`` sends to the hub."""
    for route in mapping(edge_hub_of(content).get("routes")).values():
        text = mapping(route).get("route") if isinstance(route, dict) else route
        if isinstance(text, str) and carries_upstream(text, module):
            return True
    return False
